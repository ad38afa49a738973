"""Go: gorilla/websocket as in its chat example, written to directly, and net/http for SSE."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.load.bench.processes import running
from deploy.load.bench.target import (
    CACHE,
    MESSAGE,
    ROOT,
    MissingError,
    Options,
    Place,
    Server,
    succeed,
)
from veza.embedded.ports import free_port

PACKAGES = ("golang-go", "golang-github-gorilla-websocket-dev")
_SOURCE = ROOT / "deploy" / "load" / "peers" / "golang" / "main.go"
_PROGRAM = CACHE / "golang" / "fanout"
_GOPATH = Path("/usr/share/gocode")
_SOCKETS: Options = {"path": "/", "join": '{"join":"{room}"}', "message": MESSAGE}
_STREAMS: Options = {
    "stream": "sse",
    "path": "/?room={room}",
    "publish": "post",
    "publish_path": "/",
    "message": MESSAGE,
}


def prepare(place: Place) -> None:
    """Build it from Debian's packages: nothing is fetched."""
    if not shutil.which("go") or not (_GOPATH / "src/github.com/gorilla/websocket").is_dir():
        raise MissingError(f"run with --install, or: apt-get install {' '.join(PACKAGES)}")
    _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    environ = {**place.environ, "GO111MODULE": "off", "GOPATH": str(_GOPATH), "GOFLAGS": ""}
    environ["GOCACHE"] = str(_PROGRAM.parent / "cache")
    argv = ["go", "build", "-o", str(_PROGRAM), str(_SOURCE)]
    succeed(argv, cwd=_PROGRAM.parent, env=environ, what="go build")


@contextmanager
def serve(place: Place, *, kind: str) -> Iterator[Server]:
    """One of hub, direct, sse."""
    port = free_port()
    argv = place.pinned([str(_PROGRAM), kind, str(port)])
    environ = {**place.environ, "GOMAXPROCS": "1"}
    with running(argv, port=port, cwd=ROOT, env=environ, name=f"go-{kind}") as pid:
        yield Server(pid=pid, port=port, options=_STREAMS if kind == "sse" else _SOCKETS)
