"""Being told to stop, and sleeping until something happens."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequestedError(Exception):
    """Somebody asked the supervisor to stop before it had started everything."""


class Signals:
    """How often we were asked to stop. `nap` ends early when a signal or a child's end comes."""

    def __init__(self) -> None:
        self.asked = 0
        self._ears: tuple[int, int] = (-1, -1)

    @contextmanager
    def installed(self) -> Iterator["Signals"]:
        """Listen for the length of the block. For the main thread of a process of our own."""
        self._ears = os.pipe()
        for end in self._ears:
            os.set_blocking(end, False)
        ours = [s for s in STOP if signal.getsignal(s) is not signal.SIG_IGN]  # nohup ignores one
        before = {number: signal.signal(number, self._stop) for number in ours}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._wake)
        wakeup = signal.set_wakeup_fd(self._ears[1], warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            for end in self._ears:
                os.close(end)

    def nap(self, seconds: float) -> None:
        """Sleep, but no longer than until the next signal."""
        heard, _, _ = select.select([self._ears[0]], [], [], seconds)
        if heard:
            os.read(self._ears[0], 4096)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1

    def _wake(self, _number: int, _frame: FrameType | None) -> None:
        """The byte that Python writes to our pipe is all that is wanted."""
