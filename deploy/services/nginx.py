"""nginx: not run as a service, but asked what it thinks of the configuration that we ship."""

import shutil

from deploy.services.recipes import Service
from deploy.services.wire import USABLE


def program() -> str | None:
    """Its path; Debian puts it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


SERVICE = Service(
    name="nginx",
    title="nginx",
    variable="NGINX_BINARY",
    url="",
    port=0,
    suites="needs_nginx",
    probe=lambda _: USABLE,
    installed=lambda: None,
    program=program,
    packages=("nginx-light",),
)
