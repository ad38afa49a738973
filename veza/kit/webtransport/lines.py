"""Lines out of what a stream brings in pieces of any size."""

import asyncio
from collections import deque


class LineTooLongError(Exception):
    """No end of a line within the limit."""


class TooManyLinesError(Exception):
    """More than may wait until it is read."""


class Lines:
    """Filled from one side by plain calls, read from the other; the end comes once."""

    def __init__(self, *, longest: int, most_waiting: int) -> None:
        self._longest = longest
        self._most_waiting = most_waiting
        self._rest = bytearray()
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._is_ended = False
        self._wake = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Raises LineTooLongError and TooManyLinesError; nothing is to be fed after these."""
        self._rest += data
        *whole, rest = self._rest.split(b"\n")
        self._rest = rest
        if max(map(len, (*whole, rest))) > self._longest:
            raise LineTooLongError
        for line in whole:
            self._lines.append(bytes(line))
            self._waiting += len(line) + 1
        if self._waiting > self._most_waiting:
            raise TooManyLinesError
        if whole:
            self._wake.set()

    def end(self) -> None:
        """Nothing comes any more. A repeat is harmless."""
        self._is_ended = True
        self._wake.set()

    async def next(self) -> bytes | None:
        """The next line without its end; None at the end. A last line without one counts."""
        while not self._lines:
            if self._is_ended:
                last, self._rest = bytes(self._rest), bytearray()
                return last or None
            self._wake.clear()
            await self._wake.wait()
        line = self._lines.popleft()
        self._waiting -= len(line) + 1
        return line
