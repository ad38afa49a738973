"""Chromium: no server, but a program that the browser tests start by themselves."""

import shutil

from deploy.services.recipes import Service
from deploy.services.wire import USABLE

NAMES = ("chromium", "chromium-browser", "google-chrome")


def program() -> str | None:
    """Its path; the system's own, because tests download no browser."""
    return next(filter(None, map(shutil.which, NAMES)), None)


SERVICE = Service(
    name="chromium",
    title="Chromium",
    variable="CHROMIUM",
    url="",
    port=0,
    suites="needs_browser",
    probe=lambda _: USABLE,
    installed=lambda: None,
    program=program,
    packages=("chromium",),
)
