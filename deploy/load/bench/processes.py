"""Servers as processes: started on a core, awaited, measured from /proc, ended."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.load.bench.target import CACHE, MissingError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a process and its children have used."""

    cpu_s: float
    rss_bytes: int


def pinned(argv: Sequence[str], *, core: str) -> list[str]:
    """The command on one core, where `taskset` exists and there are two."""
    if core and shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", core, *argv]
    return list(argv)


def usage(pid: int) -> Usage:
    """CPU time and memory of the process with all its children."""
    ticks = pages = 0
    for number in [pid, *_descendants(pid)]:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        pages += int(fields[21])
    return Usage(cpu_s=ticks / TICKS_PER_S, rss_bytes=pages * PAGE_BYTES)


def open_files(pid: int) -> list[int]:
    """How many files, sockets among them, each of its children has open."""
    return [len(list(Path(f"/proc/{child}/fd").iterdir())) for child in _descendants(pid)]


@contextmanager
def running(
    argv: Sequence[str], *, port: int | None, cwd: Path, env: Mapping[str, str], name: str
) -> Iterator[int]:
    """The process id of a server that accepts connections; it ends with the block.

    What it prints is in `name`.log of the cache. Raises MissingError when it does not start.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    log = CACHE / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        if port is not None:
            _await(port, process, log)
        yield process.pid
    finally:
        _end(process)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    words = log.read_text(errors="replace").strip().splitlines()
    raise MissingError(f"it does not start: {words[-1] if words else 'no words'} (see {log})")


def _end(process: "subprocess.Popen[bytes]") -> None:
    children = _descendants(process.pid) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        for child in children:
            _kill(child)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        children += map(int, path.read_text().split())
    return [*children, *(found for child in children for found in _descendants(child))]
