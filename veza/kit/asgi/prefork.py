"""Several processes that accept from one listening socket, and one that minds them."""

import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from types import FrameType

logger = logging.getLogger(__name__)

CHECK_S = 0.1
RESTART_DELAY_S = 1.0
QUICK_DEATH_S = 5.0


class Prefork:
    """Runs `argv` `processes` times with the listener inherited, and starts again what dies.

    A process that dies within QUICK_DEATH_S would die again: then all end. Signals to stop go
    to all of them, each time one comes. Processes see by their parent's id that this one died.
    """

    def __init__(self, argv: Sequence[str], *, processes: int, listener: socket.socket) -> None:
        self._argv = list(argv)
        self._count = processes
        self._listener = listener
        self._is_stopping = False
        self._children: list[subprocess.Popen[bytes]] = []
        self._born: dict[int, float] = {}

    def run(self) -> int:
        """Until told to stop; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for _ in range(self._count):
            self._start()
        while self._children:
            time.sleep(CHECK_S)
            for child in [child for child in self._children if child.poll() is not None]:
                self._bury(child)
        return 0 if self._is_stopping else 1

    def _start(self) -> None:
        child = subprocess.Popen(self._argv, pass_fds=[self._listener.fileno()])  # noqa: S603
        self._born[child.pid] = time.monotonic()
        self._children.append(child)

    def _bury(self, child: subprocess.Popen[bytes]) -> None:
        self._children.remove(child)
        age_s = time.monotonic() - self._born.pop(child.pid)
        if self._is_stopping:
            return
        logger.error("Process %d ended with code %s", child.pid, child.returncode)
        if age_s < QUICK_DEATH_S:
            logger.error("It ended too soon to be started again: see above why")
            self._tell(signal.SIGTERM)
            return
        time.sleep(RESTART_DELAY_S)
        if not self._is_stopping:
            self._start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True
        self._listener.close()  # or the kernel would go on to accept for nobody
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for child in self._children:
            if child.poll() is None:
                os.kill(child.pid, number)
