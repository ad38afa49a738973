"""Node: `ws`, Socket.IO, and its own HTTP server for SSE (node/server.js)."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.load.bench.processes import running
from deploy.load.bench.target import CACHE, MESSAGE, ROOT, MissingError, Options, Place, Server
from deploy.load.bench.target import succeed as _succeed
from veza.embedded.ports import free_port

_SOURCES = ROOT / "deploy" / "load" / "peers" / "node"
_DIRECTORY = CACHE / "node"
_FILES = ("package.json", "package-lock.json", "server.js")
_OPTIONS: dict[str, Options] = {
    "ws": {"path": "/", "join": '{"join":"{room}"}', "publish_path": "/", "message": MESSAGE},
    "socketio": {
        "path": "/socket.io/?EIO=4&transport=websocket",
        "hello": "40",
        "after": '40{"sid"',
        "join": '42["join","{room}"]',
        "publish_path": "/socket.io/?EIO=4&transport=websocket",
        "publish_hello": "40",
        "publish_after": '40{"sid"',
        "message": f'42["publish",{MESSAGE}]',
    },
    "sse": {
        "stream": "sse",
        "path": "/events?room={room}",
        "publish": "post",
        "publish_path": "/publish",
        "message": MESSAGE,
    },
}


def prepare(place: Place) -> None:
    """Install the packages of the lock file into the cache."""
    if not shutil.which("npm"):
        raise MissingError("install Node.js 20 with npm")
    _DIRECTORY.mkdir(parents=True, exist_ok=True)
    lock = (_SOURCES / "package-lock.json").read_bytes()
    installed = _DIRECTORY / "installed.json"
    for name in _FILES:
        shutil.copy(_SOURCES / name, _DIRECTORY)
    if not installed.exists() or installed.read_bytes() != lock:
        argv = ["npm", "ci", "--no-audit", "--no-fund"]
        _succeed(argv, cwd=_DIRECTORY, env=place.environ, what="npm ci")
        installed.write_bytes(lock)


@contextmanager
def serve(place: Place, *, kind: str) -> Iterator[Server]:
    """One of ws, socketio, sse."""
    port = free_port()
    argv = place.pinned(["node", "server.js", kind, str(port)])
    with running(argv, port=port, cwd=_DIRECTORY, env=place.environ, name=f"node-{kind}") as pid:
        yield Server(pid=pid, port=port, options=_OPTIONS[kind])
