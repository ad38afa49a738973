"""The newest facts of the log in memory, so that clients who come back cost no query."""

import heapq
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection

from apps.realtime.types import Message

MIN_FACTS = 10_000
"""So many are kept however old they are."""
MAX_FACTS = 200_000
MAX_BYTES = 64 * 1024**2
FACT_BYTES = 1024
"""About what a fact takes besides its data."""


class TooManyError(Exception):
    """More facts than were asked for."""


class _RoomLog:
    """The facts of one room. What was evicted stands before `start` until it is worth cutting."""

    __slots__ = ("messages", "positions", "start")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.messages: list[Message] = []
        self.start = 0

    def after(self, position: int, limit: int) -> list[Message]:
        first = bisect_right(self.positions, position, lo=self.start)
        if len(self.messages) - first > limit:
            raise TooManyError
        return self.messages[first:]

    def drop_oldest(self) -> bool:
        """True when nothing is left."""
        self.messages[self.start] = None  # type: ignore[call-overload] # gives its memory back
        self.start += 1
        if self.start >= 64 and self.start * 2 >= len(self.messages):  # noqa: PLR2004
            del self.positions[: self.start], self.messages[: self.start]
            self.start = 0
        return self.start == len(self.messages)


_Held = tuple[Message, float, int]


class Window:
    """Facts of one epoch, without a gap: those after `floor` up to `head`.

    Kept for `retention_s` after they arrived within the bounds of number and size, and MIN_FACTS
    of them for as long as there is room.
    """

    def __init__(
        self,
        *,
        retention_s: float = 60.0,
        max_facts: int = MAX_FACTS,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epoch = ""
        self.floor = 0
        self.head = 0
        self.size_bytes = 0
        self._retention_s = retention_s
        self._max_facts = max_facts
        self._max_bytes = max_bytes
        self._clock = clock
        self._facts: deque[_Held] = deque()
        self._rooms: dict[str, _RoomLog] = {}
        self._positions: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def clear(self, *, epoch: str, head: int) -> None:
        """Begin anew after `head`."""
        self.epoch, self.floor, self.head, self.size_bytes = epoch, head, head, 0
        self._facts.clear()
        self._rooms.clear()
        self._positions.clear()

    def append(self, message: Message) -> None:
        """The fact that follows `head`. Raises ValueError for any other."""
        if message.position != self.head + 1 or message.id is None:
            raise ValueError(f"{message} does not follow {self.head}")
        self.head = message.position
        size = FACT_BYTES + 2 * len(message.data_json())
        self._facts.append((message, self._clock(), size))
        self.size_bytes += size
        self._positions[message.id] = message.position
        for room in message.rooms:
            log = self._rooms.get(room)
            if log is None:
                log = self._rooms[room] = _RoomLog()
            log.positions.append(message.position)
            log.messages.append(message)
        self._evict()

    def since(self, rooms: Collection[str], position: int, limit: int) -> list[Message] | None:
        """The facts of these rooms after `position`, in order, each once.

        None when they are not all in memory. Raises TooManyError past `limit`.
        """
        if position < self.floor:
            return None
        logs = [self._rooms[room] for room in set(rooms) if room in self._rooms]
        found = [log.after(position, limit) for log in logs]
        if len(found) == 1:
            return found[0]
        merged = {m.position: m for m in heapq.merge(*found, key=lambda m: m.position or 0)}
        if len(merged) > limit:
            raise TooManyError
        return list(merged.values())

    def position_of(self, fact_id: str) -> int | None:
        """Where the fact with this id stands, if it is in memory."""
        return self._positions.get(fact_id)

    @property
    def newest_id(self) -> str | None:
        """The id of the fact at `head`, if it is in memory."""
        return self._facts[-1][0].id if self._facts else None

    def _evict(self) -> None:
        while len(self._facts) > 1 and self._may_evict():
            message, _, size = self._facts.popleft()
            self.size_bytes -= size
            self.floor = message.position or 0
            self._positions.pop(message.id or "", None)
            for room in message.rooms:
                if self._rooms[room].drop_oldest():
                    del self._rooms[room]

    def _may_evict(self) -> bool:
        if len(self._facts) > self._max_facts or self.size_bytes > self._max_bytes:
            return True
        is_old = self._clock() - self._facts[0][1] >= self._retention_s
        return is_old and len(self._facts) > MIN_FACTS
