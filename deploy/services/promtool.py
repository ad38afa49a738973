"""promtool: judges the alert rules that we ship."""

import shutil

from deploy.services.recipes import Service
from deploy.services.wire import USABLE


def program() -> str | None:
    """Its path."""
    return shutil.which("promtool")


SERVICE = Service(
    name="promtool",
    title="promtool",
    variable="PROMTOOL",
    url="",
    port=0,
    suites="needs_promtool",
    probe=lambda _: USABLE,
    installed=lambda: None,
    program=program,
    packages=("prometheus",),
)
