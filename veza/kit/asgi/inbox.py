"""What came on a connection and was not received yet."""

import asyncio
from typing import Any


class Inbox:
    """An asyncio.Queue for one reader, with a quarter of its parts: each connection has one."""

    __slots__ = ("_arrived", "_events", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: list[Any] = []  # one, as a rule: reading pauses until it is received
        self._arrived: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        return not self._events

    def put_nowait(self, event: Any) -> None:
        self._events.append(event)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def arrival(self) -> "asyncio.Future[None]":
        """To be awaited by the reader where it is empty; nobody else may wait meanwhile."""
        self._arrived = self._loop.create_future()
        return self._arrived

    def take(self) -> Any:
        """The oldest event. Raises IndexError where there is none."""
        self._arrived = None
        return self._events.pop(0)
