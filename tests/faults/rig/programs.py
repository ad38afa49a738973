"""Processes that the rig started: it signals these, by their own handle, and no others."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.rig.waiting import TICK_S, TooLongError, say, until_elsewhere

ROOT = Path(__file__).resolve().parents[3]
START_WITHIN_S = 120.0
STOP_WITHIN_S = 60.0


@dataclass(kw_only=True)
class Program:
    """One process that can be ended in any way, frozen, and started again."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool] = field(default=lambda: True)
    before_start: Callable[[], None] | None = None
    starts: int = 0
    is_ending: bool = False
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} does not run"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        """Start it, from the main thread: its life may be tied to the thread that starts it."""
        if self.before_start is not None:
            self.before_start()
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                list(self.argv), cwd=ROOT, env=dict(self.env),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        self.starts += 1
        self.is_ending = False

    def wait_until_ready(self) -> None:
        """Blocks. A program that ends before it is ready is started again: its port or its files
        may still be held by what was killed.
        """
        deadline = time.monotonic() + START_WITHIN_S
        while not self.is_ready():
            self._relaunch_if_ended(deadline)
            time.sleep(TICK_S)

    async def start(self) -> None:
        """Start it and wait, without blocking the event loop."""
        self.launch()
        deadline = time.monotonic() + START_WITHIN_S

        def is_up() -> bool:
            return not self.is_running or self.is_ready()

        while True:
            await until_elsewhere(is_up, within_s=START_WITHIN_S, what=f"{self.name} is ready")
            if self.is_running:
                return
            self._relaunch_if_ended(deadline)

    def _relaunch_if_ended(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise TooLongError(f"{self.name} did not become ready: {self.last_words()}")
        if not self.is_running:
            time.sleep(0.1)
            self.launch()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.is_running:
            self.is_ending = self.is_ending or number in (signal.SIGTERM, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As a crash would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, within_s: float = STOP_WITHIN_S) -> int | None:
        """Its exit code. Raises TooLongError, and kills it, when it does not end."""
        if self.process is None:
            return None
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise TooLongError(f"{self.name} did not end within {within_s:g} s") from None

    def stop(self) -> None:
        """End it in good order, or else by force."""
        if self.is_running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            with contextlib.suppress(TooLongError):
                self.wait(10)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def open_files(self) -> int:
        """File descriptors, sockets included (Linux)."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def memory_bytes(self) -> int:
        """Resident memory (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(status.split("VmRSS:")[1].split()[0])


@dataclass(kw_only=True)
class Web(Program):
    """`manage.py web`; `port` is its own, `client_port` that of the link clients come by."""

    port: int
    client_port: int = 0

    def get(self, path: str, *, timeout_s: float = 5.0) -> tuple[int, Any]:
        """Status and JSON, not through any link. Raises OSError. Blocks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except http.client.HTTPException as fault:
            raise OSError(str(fault)) from fault
        finally:
            connection.close()
        is_json = "json" in (answer.headers["content-type"] or "")
        return answer.status, json.loads(body) if is_json else body.decode()

    def metric(self, name: str) -> float:
        """The sum of one metric over its labels. Blocks."""
        _, text = self.get("/metrics")
        lines = [line for line in str(text).splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def is_alive(port: int) -> bool:
    """Whether /healthz answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def run_to_end(*arguments: str, env: Mapping[str, str], log: Path) -> None:
    """A command of manage.py that ends by itself."""
    say(f"manage.py {' '.join(arguments)}")
    with log.open("ab") as out:
        subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=dict(env),
            stdout=out, stderr=out, check=True, timeout=120,
        )  # fmt: skip
