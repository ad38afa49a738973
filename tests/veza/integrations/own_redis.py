"""A Redis of the test's own, to be killed, frozen and started again."""

import signal
import subprocess
from pathlib import Path
from typing import Self

from tests.veza.asgi.wire import until
from veza.embedded.ports import free_port
from veza.embedded.valkey import answers, find_binary


class OwnRedis:
    """Keeps nothing over a restart, like a cache that was replaced."""

    def __init__(self, place: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._place = place
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it answers."""
        argv = [
            str(find_binary()), "--port", str(self.port), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no", "--dir", str(self._place),
        ]  # fmt: skip
        self._running = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        until(lambda: answers(self.port))

    def kill(self) -> None:
        """Dead: connections are refused."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def freeze(self) -> None:
        """Hung: connections are taken by the kernel, and nothing is answered."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)
