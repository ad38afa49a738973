"""nginx: not run as a service, but asked what it thinks of the configuration that we ship."""

import shutil
from pathlib import Path

from deploy.services.recipes import Service
from deploy.services.wire import USABLE

SHIPPED = Path(__file__).resolve().parents[1] / "nginx"


def program() -> str | None:
    """Its path; Debian puts it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def configure(folder: Path, *, port: int, web_port: int, storage: Path) -> Path:
    """The configuration that we ship in this folder, with addresses of this machine; its file.

    Raises ValueError when what is to be replaced is not there any more.
    """
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    for name, old, new in (
        ("nginx.conf", "/tmp/nginx", f"{folder}/nginx"),  # noqa: S108 - the text of the file
        ("nginx.conf", "listen 8080", f"listen 127.0.0.1:{port}"),
        ("nginx.conf", "root /var/lib/veza/storage", f"root {storage}"),
        ("nginx.conf", "alias /var/lib/veza/storage/", f"alias {storage}/"),
        ("nginx.conf", "access_log /dev/stdout json", f"access_log {folder}/access.log json"),
        ("upstreams.conf", "server api:8000", f"server 127.0.0.1:{web_port}"),
        ("upstreams.conf", "server web:8000", f"server 127.0.0.1:{web_port}"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{name} does not say {old!r} any more.")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder / "nginx.conf"


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
