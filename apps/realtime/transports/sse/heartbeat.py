"""A comment line for every client now and then, so that nobody takes the silence for an end."""

import asyncio
from typing import Protocol

from apps.realtime.transports.sse.wire import HEARTBEAT

TICKS = 15
"""In so many steps the clients of one interval are reached, so that no step takes long."""


class Listener(Protocol):
    """Whoever is to hear it."""

    def write(self, data: bytes) -> None: ...


class Heartbeat:
    """One timer for all clients of a process; it runs while there are any."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, interval_s: float) -> None:
        self._loop = loop
        self._interval_s = interval_s
        self._due_at: dict[Listener, float] = {}  # in the order in which they are due
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due_at)

    def add(self, listener: Listener) -> None:
        """From now on a comment line every interval."""
        self._due_at[listener] = self._loop.time() + self._interval_s
        if self._timer is None:
            self._wait()

    def discard(self, listener: Listener) -> None:
        """It has gone. A repeat is harmless."""
        self._due_at.pop(listener, None)

    def _wait(self) -> None:
        self._timer = self._loop.call_later(self._interval_s / TICKS, self._beat)

    def _beat(self) -> None:
        self._timer = None
        soon = self._loop.time() + self._interval_s / TICKS / 2
        due = []
        for listener, due_at in self._due_at.items():
            if due_at > soon:
                break
            due.append(listener)
        for listener in due:
            self._due_at[listener] = self._due_at.pop(listener) + self._interval_s
            listener.write(HEARTBEAT)
        if self._due_at:
            self._wait()
