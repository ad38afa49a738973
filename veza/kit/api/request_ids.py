"""Ids of requests where making a UUID each time would show."""

import secrets
import time
from itertools import cycle

TAILS = 2048
"""More than anybody asks for within a millisecond."""


class RequestIds:
    """UUIDv7s as text: the millisecond, and one of random tails, each in its turn."""

    def __init__(self) -> None:
        self._tails = cycle([_tail() for _ in range(TAILS)])
        self._ms = 0
        self._head = b""

    def next(self) -> bytes:
        """One that nobody else gets."""
        ms = int(time.time() * 1000)
        if ms != self._ms:
            self._ms = ms
            self._head = b"%08x-%04x-" % (ms >> 16, ms & 0xFFFF)
        return self._head + next(self._tails)


def _tail() -> bytes:
    """Version and variant with 74 bits of chance."""
    chance = secrets.randbits(74)
    low = 0x8000_0000_0000_0000 | (chance & 0x3FFF_FFFF_FFFF_FFFF)
    return b"7%03x-%04x-%012x" % (chance >> 62, low >> 48, low & 0xFFFF_FFFF_FFFF)
