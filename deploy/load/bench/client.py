"""The load client: builds client.c, starts it, and speaks with it.

Where there is no C compiler a client in Python takes its place (python_client.py): it obeys the
same lines, and is the slower half of every fast run, which the share of its core tells.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deploy.load.bench.processes import pinned
from deploy.load.bench.target import CACHE, ROOT, Server

_SOURCE = Path(__file__).with_name("client.c")
_PROGRAM = CACHE / "client"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the client saw between two commands. `cpu_s` is its own CPU time, `said` the first
    thing that the server told the publisher, `failed` counts connections that never got so far.
    """

    seconds: float
    rounds: int
    deliveries: int
    lost: int
    doubled: int
    dropped: int
    connected: int
    failed: int
    bytes: int
    cpu_s: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    close_code: int
    said: str


class ClientError(Exception):
    """The client ended by itself."""


class Client:
    """A running client. `do` takes one of the commands that client.c lists."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def do(self, command: str) -> Seen:
        """Blocks until the command is done. Raises ClientError."""
        self.begin(command)
        return self.end()

    def begin(self, command: str) -> None:
        """Have it done while others do something too. Raises ClientError."""
        stdin = self._process.stdin
        if stdin is None:
            raise ClientError("the client has no pipes")
        try:
            stdin.write(f"{command}\n")
            stdin.flush()
        except BrokenPipeError:
            raise ClientError(f"the client had ended before: {command}") from None

    def end(self) -> Seen:
        """Blocks until what was begun is done. Raises ClientError."""
        stdout = self._process.stdout
        line = stdout.readline() if stdout else ""
        if not line:
            raise ClientError("the client ended by itself")
        answer: dict[str, Any] = json.loads(line)
        return Seen(**{each.name: answer[each.name] for each in fields(Seen)})


def build() -> list[str]:
    """The command that starts the client; compiles it when it is older than its source."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return [sys.executable, "-m", "deploy.load.bench.python_client"]
    if not _PROGRAM.exists() or _PROGRAM.stat().st_mtime < _SOURCE.stat().st_mtime:
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", str(_PROGRAM), str(_SOURCE)], check=True)
    return [str(_PROGRAM)]


@contextmanager
def client(server: Server, *, core: str, **options: str | int) -> Iterator[Client]:
    """A client of this server; it ends with the block."""
    given = {"port": str(server.port), **server.options} | {k: str(v) for k, v in options.items()}
    argv = pinned([*build(), *(f"{key}={value}" for key, value in given.items())], core=core)
    with subprocess.Popen(
        argv, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Client(process)
        finally:
            process.kill()
