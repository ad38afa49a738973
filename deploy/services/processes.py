"""Processes that outlive the run that started them, recognised again by their time of birth."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from veza.embedded import processes

KEPT_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
STOP_PATIENCE_S = 30.0
TICK_S = 0.05

_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(argv: list[str], *, log: Path, env: Mapping[str, str]) -> int:
    """Start a program in a session of its own; its output goes to `log`. Returns the pid."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    with log.open("wb") as output:
        child = subprocess.Popen(
            argv, cwd="/", env={**kept, **env}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    _children[child.pid] = child
    return child.pid


def birth(pid: int) -> str:
    """When the process began; empty when it is gone. A child of ours is reaped on the way."""
    if child := _children.get(pid):
        child.poll()
    return processes.birth(pid)


def stop(pid: int, *, born: str, by: signal.Signals) -> None:
    """Ask the process and its group to end, and after half a minute make them."""
    for sign in (by, signal.SIGKILL):
        if birth(pid) != born:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, sign)
        _wait_until_gone(pid, born=born)


def _wait_until_gone(pid: int, *, born: str) -> None:
    deadline = time.monotonic() + STOP_PATIENCE_S
    while birth(pid) == born and time.monotonic() < deadline:
        time.sleep(TICK_S)
