"""A service's process, from its start to its burial."""

import os
import random
import signal
import subprocess
import sys
import time

from veza.embedded import processes
from veza.embedded.accounts import launched
from veza.embedded.logs import Log
from veza.embedded.restarts import Restarts
from veza.embedded.service import Service
from veza.embedded.state import ProcessEntry


class Child:
    """Runs one service at most once at a time. Times are those of the monotonic clock."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.log = Log(service.log)
        self.ready = False
        self.restarts = Restarts()
        self.due_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._born = ""

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Begin the process in a session of its own, tied to our life where Linux can do that."""
        service = self.service
        if service.before_start:
            service.before_start()
        argv = launched(
            service.argv, account=service.account, signal_number=service.stop_signals[0]
        )
        with self.log.path.open("ab") as output:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=dict(service.env), cwd="/", start_new_session=True,
            )  # fmt: skip
        self._started_at = time.monotonic()
        self._born = processes.birth(self._process.pid)

    def entry(self) -> ProcessEntry | None:
        """Its line in processes.json while it runs."""
        if self._process is None:
            return None
        return {
            "name": self.service.name,
            "pid": self._process.pid,
            "port": self.service.port,
            "born": self._born,
        }

    def check_ready(self) -> None:
        """Ask once whether it is ready, unless it has been."""
        if self.runs and not self.ready:
            self.ready = self.service.is_ready()

    def has_ended(self) -> bool:
        """Whether the process is there but dead: then `bury` it."""
        if self._process is None:
            return False
        if sys.platform.startswith("linux"):
            seen = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return seen is not None
        return self._process.poll() is not None

    def bury(self) -> str:
        """End what its process group left behind, reap it, and say how it ended."""
        process = self._process
        if process is None:
            return ""
        self.kill()  # before reaping: until then nobody else can have the number
        code = process.wait()
        now = time.monotonic()
        self._process, self.ready = None, False
        self.restarts = self.restarts.after_death(lived_s=now - self._started_at)
        self.due_at = now + self.restarts.wait_s(chance=random.random())  # noqa: S311
        return f"was killed by {_name(-code)}" if code < 0 else f"ended with status {code}"

    def signal(self, number: signal.Signals) -> None:
        """Tell the process alone, not those it started."""
        if self._process is not None:
            # Popen.send_signal would reap one that has just ended, which only `bury` may do.
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it and all of its process group."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # gone; macOS refuses for a dead leader
            return


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
