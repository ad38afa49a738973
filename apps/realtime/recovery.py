"""What a client that comes back has missed: from memory, else from the log, else said aloud."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import DatabaseError, InterfaceError

from apps.realtime.errors import LogUnavailableError
from apps.realtime.follower import fact_message
from apps.realtime.logs import FactLog, LogSource, LostError, LostReason, read_id
from apps.realtime.types import Message, Position
from apps.realtime.window import TooManyError, Window
from veza.kit.errors import UpstreamError

logger = logging.getLogger(__name__)

AHEAD_WAIT_S = 1.0
"""A client that is ahead of us comes from a process that was faster: so long we try to follow."""
FILL_WAIT_S = 5.0
MAX_POSITION = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """Every fact after the asked position up to `head`, in order, each once."""

    messages: list[Message]
    head: Position


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """It cannot be said what was missed. `newest_id` is the id of the fact at `head`, if any."""

    reason: LostReason
    head: Position
    newest_id: str | None = None


class Reader(Protocol):
    """Runs a blocking read elsewhere."""

    async def call(self, read: Callable[[], Any]) -> Any: ...

    def stop(self) -> None: ...


class Log(Protocol):
    """What the follower can say and do."""

    async def filled(self, *, within_s: float) -> bool: ...

    def nudge(self) -> None: ...


class Recovery:
    """Asks memory first. Reads of the log for the same rooms and place are made once for all."""

    def __init__(
        self, *, window: Window, reader: Reader, log: Log, source: LogSource | None = None
    ) -> None:
        self._window = window
        self._reader = reader
        self._log = log
        self._source = source or FactLog()
        self._reading: dict[object, asyncio.Future[Any]] = {}

    async def recover(
        self, rooms: Collection[str], after: Position | str | None, limit: int
    ) -> Recovered | Lost:
        """See Node.recover."""
        is_filled = await self._log.filled(within_s=FILL_WAIT_S)
        if after is None:
            return self._recovered([])
        if not is_filled:  # nothing is known yet of epoch and head
            raise LogUnavailableError
        try:
            offset = await self._offset(after, sorted(set(rooms)))
            return await self._since(frozenset(rooms), offset, limit)
        except LostError as lost:
            return self._lost(lost.reason)
        except TooManyError:
            return self._lost("too_many")
        except (DatabaseError, InterfaceError, OSError, UpstreamError):
            logger.warning("recovery_without_log", exc_info=True)
            raise LogUnavailableError from None

    def stop(self) -> None:
        """Let go of the log."""
        self._reader.stop()

    async def _offset(self, after: Position | str, rooms: list[str]) -> int:
        if isinstance(after, str):
            return await self._offset_of(after, rooms)
        if not 0 <= after.offset <= MAX_POSITION:
            raise LostError("invalid")
        if after.epoch not in ("", self._window.epoch):
            raise LostError("epoch")
        return after.offset

    async def _offset_of(self, text: str, rooms: list[str]) -> int:
        fact_id = read_id(text)
        known = self._window.position_of(str(fact_id))
        if known is not None:
            return known
        key = (fact_id, tuple(rooms))
        found = await self._once(("id", key), lambda: self._source.find(fact_id, rooms))
        if found is None:
            why = await self._once(("lost", key), lambda: self._source.why_lost(fact_id, rooms))
            raise LostError(why)
        return int(found)

    async def _since(self, rooms: frozenset[str], offset: int, limit: int) -> Recovered:
        if offset > self._window.head and not await self._has_come(offset):
            raise LostError("unknown")
        found = self._window.since(rooms, offset, limit)
        if found is None:
            found = await self._from_log(rooms, offset, limit)
        return self._recovered(found)

    async def _has_come(self, offset: int) -> bool:
        """Whether we reach the position within AHEAD_WAIT_S."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + AHEAD_WAIT_S
        if (await self._once("bounds", self._source.bounds)).head < offset:
            return False
        while self._window.head < offset and loop.time() < deadline:
            self._log.nudge()
            await asyncio.sleep(0.01)
        return self._window.head >= offset

    async def _from_log(self, rooms: frozenset[str], offset: int, limit: int) -> list[Message]:
        """From the log up to what was handed out, and from memory what was handed out since."""
        found: list[Message] = []
        while True:
            through = self._window.head
            found += await self._once(
                (rooms, offset, through, limit),
                lambda offset=offset, through=through: self._read(  # type: ignore[misc]
                    sorted(rooms), offset, through, limit
                ),
            )
            if len(found) > limit:
                raise TooManyError
            since = self._window.since(rooms, through, limit - len(found))
            if since is not None:
                return found + since
            offset = through  # so much came meanwhile that memory has let go of it again

    def _read(self, rooms: list[str], after: int, through: int, limit: int) -> list[Message]:
        """Blocking. Raises LostError."""
        rows = self._source.in_rooms(
            rooms, after=after, through=through, limit=limit, epoch=self._window.epoch
        )
        return [fact_message(row) for row in rows]

    async def _once(self, key: object, read: Callable[[], Any]) -> Any:
        """The answer of `read`, which is asked for once by all who want it at the same time."""
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.ensure_future(self._reader.call(read))
            reading.add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(reading)

    def _recovered(self, messages: list[Message]) -> Recovered:
        return Recovered(messages=messages, head=self._head)

    def _lost(self, reason: LostReason) -> Lost:
        return Lost(reason=reason, head=self._head, newest_id=self._window.newest_id)

    @property
    def _head(self) -> Position:
        return Position(self._window.head, self._window.epoch)
