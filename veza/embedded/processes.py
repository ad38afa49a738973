"""Telling our processes from others that have got the same number since."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from veza.embedded.state import ProcessEntry

MARK = "VEZA_SUPERVISED"
PROC = Path("/proc")


def birth(pid: int) -> str:
    """When the process began, in a form that no other with its number shares; "" if none lives."""
    if sys.platform.startswith("linux"):
        return _birth_on_linux(pid)
    shown = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    return "" if not shown or shown[0].startswith("Z") else " ".join(shown[1:])


def _birth_on_linux(pid: int) -> str:
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError):
        return ""
    return "" if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def left_over(entries: Iterable[ProcessEntry], *, mark: str) -> dict[int, str]:
    """What still runs of an earlier supervisor: process id to name.

    `entries` are its last processes.json, `mark` the data directory's own, which all children
    and their children carry in their environment. A bare process id proves nothing.
    """
    found = {e["pid"]: e["name"] for e in entries if _is_same(e)}
    if sys.platform.startswith("linux"):
        needle = f"\0{MARK}={mark}\0".encode()
        for pid in _process_ids():
            if pid not in found and needle in b"\0" + _environment(pid):
                found[pid] = f"process {pid}"
    return found


def _is_same(entry: ProcessEntry) -> bool:
    born = entry.get("born", "")
    return bool(born) and birth(entry["pid"]) == born


def _process_ids() -> list[int]:
    own = os.getpid()
    return [int(p.name) for p in PROC.iterdir() if p.name.isdigit() and int(p.name) != own]


def _environment(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "environ").read_bytes() if _birth_on_linux(pid) else b""
    except OSError:
        return b""


def stop_left_over(find: Callable[[], dict[int, str]], *, patience_s: float = 2.5) -> list[str]:
    """End what `find` finds, asking first; the names of what was there. May take twice that."""
    names = sorted(set(find().values()))
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + patience_s
        told: set[int] = set()
        while (found := find()) and time.monotonic() < deadline:
            for pid in found.keys() - told:
                _signal(pid, _way_to_stop(found[pid], number))
                told.add(pid)
            time.sleep(0.02)
    return names


def _way_to_stop(name: str, number: signal.Signals) -> signal.Signals:
    """PostgreSQL waits for its clients on SIGTERM, and not on SIGINT."""
    asked = number == signal.SIGTERM and name == "postgres"
    return signal.SIGINT if asked else number


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def works_in(pid: int, directory: Path) -> bool:
    """Whether the process has `directory` as its working directory or names it in its command."""
    if sys.platform.startswith("linux"):
        try:
            return (PROC / str(pid) / "cwd").resolve() == directory.resolve()
        except OSError:
            return False
    shown = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(directory) in shown.stdout


def own_id() -> int:
    return os.getpid()
