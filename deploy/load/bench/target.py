"""What the bench knows of a server."""

import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["ws", "sse"]
Options = Mapping[str, str]

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache" / "load"
MANY = 20_000
PADDING = "x" * 95
MESSAGE = '{"room":"{room}","seq":{seq},"pad":"' + PADDING + '"}'
"""What peers are sent and send on: about 150 bytes."""


class MissingError(Exception):
    """The server cannot be had here; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: the client's options for it, and the process whose CPU time counts."""

    pid: int
    port: int
    options: Options


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where servers run and what they may use. `pinned` puts a command on the servers' core,
    `beside` on the other one.
    """

    environ: Mapping[str, str]
    pinned: Callable[[list[str]], list[str]]
    beside: Callable[[list[str]], list[str]]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One server in one role. `prepare` builds or installs; it raises MissingError.

    `most` is the number of subscribers beyond which it takes minutes, or fails.
    """

    name: str
    kind: Kind
    about: str
    prepare: Callable[[Place], None]
    serve: Callable[[Place], AbstractContextManager[Server]]
    most: int = MANY


def succeed(argv: list[str], *, cwd: Path, env: Mapping[str, str], what: str) -> None:
    """Run a step of a preparation. Raises MissingError with the command's last words."""
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=dict(env), capture_output=True, text=True, check=False
        )
    except OSError as fault:
        raise MissingError(f"{what}: {fault}") from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise MissingError(f"{what}: {words[-1] if words else done.returncode}")
