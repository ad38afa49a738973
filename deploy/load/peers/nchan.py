"""nchan, the module of nginx, from Debian's packages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.load.bench.processes import running
from deploy.load.bench.target import CACHE, MESSAGE, ROOT, MissingError, Options, Place, Server
from veza.embedded.ports import free_port

PACKAGES = ("nginx-light", "libnginx-mod-nchan")
_TEMPLATE = ROOT / "deploy" / "load" / "peers" / "nchan.conf"
_DIRECTORY = CACHE / "nchan"
_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_NGINX = "/usr/sbin/nginx"
_OPTIONS: Options = {
    "path": "/subscribe?room={room}",
    "publish": "post",
    "publish_path": "/publish?room={room}",
    "publish_header": "Content-Type: application/json\r\n",
    "message": MESSAGE,
}


def prepare(place: Place) -> None:
    """See that the packages are there."""
    if not _MODULE.exists() or not (shutil.which("nginx") or Path(_NGINX).exists()):
        raise MissingError(f"run with --install, or: apt-get install {' '.join(PACKAGES)}")


@contextmanager
def serve(place: Place, *, kind: str) -> Iterator[Server]:
    """One of ws, sse."""
    port = free_port()
    _DIRECTORY.mkdir(parents=True, exist_ok=True)
    conf = _DIRECTORY / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    conf.write_text(
        _TEMPLATE.read_text()
        .partition("\n")[2]
        .format(port=port, directory=_DIRECTORY, module=_MODULE, user=user)
    )
    argv = place.pinned([shutil.which("nginx") or _NGINX, "-p", str(_DIRECTORY), "-c", str(conf)])
    with running(argv, port=port, cwd=_DIRECTORY, env=place.environ, name=f"nchan-{kind}") as pid:
        yield Server(pid=pid, port=port, options={**_OPTIONS, "stream": kind})
