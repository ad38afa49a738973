"""A program that runs beside the services and ends by itself."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from veza.embedded.accounts import as_we_are, launched

GENTLY = 10  # of nice(1): services come first


class Job:
    """Its lines on the standard output are news; everything else stays in its log."""

    def __init__(
        self,
        *,
        name: str,
        argv: tuple[str, ...],
        env: Mapping[str, str],
        log: Path,
        done: Callable[[], None],
    ) -> None:
        self._name, self._argv, self._env, self._log, self._done = name, argv, env, log, done
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = b""

    def start(self) -> None:
        """Begin it, tied to our life where Linux can do that."""
        tied = launched(self._argv, account=as_we_are(), signal_number=signal.SIGKILL)
        with self._log.open("ab") as errors:
            self._process = subprocess.Popen(
                tied, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                env=dict(self._env), cwd="/", start_new_session=True,
            )  # fmt: skip
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, GENTLY)
        if self._process.stdout:
            os.set_blocking(self._process.stdout.fileno(), False)

    def news(self) -> list[str]:
        """What it has printed since the last call, in whole lines."""
        if self._process is None or self._process.stdout is None or self._process.stdout.closed:
            return []
        while chunk := self._process.stdout.read():
            self._heard += chunk
        *lines, self._heard = self._heard.split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines if line.strip()]

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def outcome(self) -> str:
        """After its end: notes success; otherwise a sentence that says where to look."""
        self._let_go()
        if self._process is None or self._process.returncode == 0:
            self._done()
            return ""
        return f"{self._name} did not finish and goes on at the next start; see {self._log}"

    def end(self) -> None:
        """Stop it, and all that it started."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
