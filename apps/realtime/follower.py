"""Follows the log: applies its facts strictly in order, whatever hints came, went or got lost.

A hint tells that facts were moved to the log, and mostly what they say; one each second tells at
least how far the log goes. Hints may be lost, doubled or late; the log may not. So a hint that
continues what is known is applied as it is, and anything else only makes the follower read the log.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from django.db import DatabaseError, InterfaceError

from apps.events.types import LogBounds
from apps.realtime import watchers
from apps.realtime.hub import Hub
from apps.realtime.logs import FactLog, LogSource
from apps.realtime.types import Message
from apps.realtime.window import MIN_FACTS, Window
from veza.kit.errors import UpstreamError

logger = logging.getLogger(__name__)

SILENCE_S = 1.0
"""With working hints the log is looked at this often."""
HEARD_S = 3.0
"""Hints work when the last came so long ago at most: a relay gives one each second."""
POLL_S = 0.02
"""Without hints this often, while anyone listens."""
IDLE_POLL_S = 0.25
START_WAIT_S = 3.0
READ_WAIT_S = 0.5
"""A log that tells by itself when something comes is listened to for so long at once."""
READ_FACTS = 1000
PIECE_FACTS = 50
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0

Row = Mapping[str, Any]


class Reader(Protocol):
    """Runs a blocking read elsewhere."""

    async def call(self, read: Callable[[], Any]) -> Any: ...

    def stop(self) -> None: ...


def fact_message(row: Row) -> Message:
    """The message of a fact as `Envelope.as_wire` writes it. Raises KeyError or TypeError."""
    envelope = {key: value for key, value in row.items() if key not in ("rooms", "request_id")}
    return Message(
        envelope=envelope, id=row["id"], position=int(row["position"]), epoch=row["epoch"],
        rooms=tuple(dict.fromkeys(row["rooms"])),
    )  # fmt: skip


class Follower:
    """One for each process. `hint` may be called at any time on the loop."""

    def __init__(
        self,
        *,
        hub: Hub,
        window: Window,
        reader: Reader,
        on_reset: Callable[[str], None],
        source: LogSource | None = None,
    ) -> None:
        self._hub = hub
        self._window = window
        self._reader = reader
        self._on_reset = on_reset
        self._source = source or FactLog()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._filled = asyncio.Event()
        self._hinted_at = float("-inf")
        self._fault = ""
        self.fills = 0
        """How often the history was read from its beginning."""
        self.looked_at = float("-inf")
        """When the log was last read to what it had then (`time.monotonic`)."""
        self._lost = ""  # why connections have to be told that they missed something

    @property
    def is_filled(self) -> bool:
        """Whether the history has been read since the start."""
        return self._filled.is_set()

    async def start(self) -> None:
        """Begin; returns when history is there, or after START_WAIT_S while PostgreSQL is away."""
        self._task = asyncio.create_task(self._run())
        await self.filled(within_s=START_WAIT_S)

    async def stop(self) -> None:
        """End; what was read is kept."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._reader.stop()

    def hint(self, hint: Mapping[str, Any]) -> None:
        """`{"first", "last", "epoch", "rows"}`: these positions are in the log. Never raises."""
        try:
            is_applied = self._take(hint)
        except (KeyError, TypeError, ValueError):
            logger.exception("A hint of the relay makes no sense")
            is_applied = False
        if not is_applied:
            self._wake.set()

    async def filled(self, *, within_s: float) -> bool:
        """Wait until history is there; False if it took longer."""
        if not self._filled.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._filled.wait()
        return self._filled.is_set()

    def nudge(self) -> None:
        """Look at the log now."""
        self._wake.set()

    async def catch_up(self) -> None:
        """Read the log to its present end. Raises DatabaseError."""
        while await self._read():
            pass

    def _take(self, hint: Mapping[str, Any]) -> bool:
        """False where the log is to be read."""
        self._hinted_at = time.monotonic()
        if not self.is_filled or hint["epoch"] != self._window.epoch:
            return False
        head = self._window.head
        if hint["last"] <= head:
            return True
        rows = hint.get("rows") or ()
        if hint["first"] > head + 1 or len(rows) != hint["last"] - hint["first"] + 1:
            return False
        self._apply([row for row in rows if row["position"] > head])
        return True

    def _apply(self, rows: Sequence[Row]) -> None:
        for row in rows:
            message = fact_message(row)
            if message.position != self._window.head + 1:
                raise ValueError(f"{message} does not follow {self._window.head}")
            self._window.append(message)
            if message.rooms:
                self._hub.publish_all(message.rooms, message)
            watchers.show(message)

    async def _apply_in_pieces(self, rows: Sequence[Row]) -> None:
        """A long way to catch up is no reason to hold up others, nor to write more at once than
        may wait for a client.
        """
        for first in range(0, len(rows), PIECE_FACTS):
            head = self._window.head  # hints may have come meanwhile
            self._apply(
                [row for row in rows[first : first + PIECE_FACTS] if row["position"] > head]
            )
            self._hub.flush()
            await asyncio.sleep(0)

    async def _run(self) -> None:
        retry_s = 0.0
        while True:
            try:
                if not self.is_filled:
                    await self._fill()
                if self._source.waits:
                    await self._read(wait_s=READ_WAIT_S)
                else:
                    await self.catch_up()
                self._tell_recovered()
                retry_s = 0.0
                if not self._source.waits:
                    await self._pause(self._poll_s())
            except (DatabaseError, InterfaceError, OSError, UpstreamError) as fault:
                self._tell_fault(fault)
                retry_s = min(LAST_RETRY_S, max(FIRST_RETRY_S, retry_s * 2))
                await asyncio.sleep(retry_s)
            except Exception:
                logger.exception("The follower of the log failed; it goes on")
                await asyncio.sleep(FIRST_RETRY_S)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _poll_s(self) -> float:
        if time.monotonic() - self._hinted_at < HEARD_S:
            return SILENCE_S
        return POLL_S if self._hub.has_members else IDLE_POLL_S

    async def _fill(self) -> None:
        """Read the newest facts, oldest first. What comes meanwhile is no history: it is handed
        out afterwards, to those who are here already.
        """
        self.fills += 1
        bounds = await self._reader.call(self._source.bounds)
        first = max(bounds.oldest, bounds.head - MIN_FACTS + 1)
        self._window.clear(epoch=bounds.epoch, head=max(0, first - 1))
        while await self._read(history_to=bounds.head):
            pass
        self._filled.set()
        if self._lost:
            reason, self._lost = self._lost, ""
            self._on_reset(reason)

    async def _read(self, *, history_to: int | None = None, wait_s: float = 0.0) -> bool:
        """One batch; False at the end of the log, or of history."""
        head, epoch = self._window.head, self._window.epoch
        bounds, rows = await self._reader.call(lambda: self._after(head, epoch, wait_s))
        if epoch and not bounds.epoch:  # it has lost its memory, and will say so
            await asyncio.sleep(FIRST_RETRY_S)
            return False
        # Not against the present head: hints have come since the bounds were read.
        if bounds.epoch == epoch and bounds.head < head and self._source.replays:
            return False
        if bounds.epoch != epoch or bounds.head < head or bounds.oldest > head + 1:
            await self._restart(bounds)
            return False
        if len(rows) < READ_FACTS:
            self.looked_at = time.monotonic()
        new = [row for row in rows if row["position"] > self._window.head]
        if new and self.is_filled:
            self._hinted_at = min(self._hinted_at, time.monotonic() - HEARD_S + SILENCE_S)
        if history_to is None:
            await self._apply_in_pieces(new)
        else:
            self._keep(new, through=history_to)
        return len(rows) == READ_FACTS and self._window.head != history_to

    def _keep(self, rows: Sequence[Row], *, through: int) -> None:
        """As history: nobody is told."""
        for row in rows:
            if row["position"] <= through:
                self._window.append(fact_message(row))

    async def _restart(self, bounds: LogBounds) -> None:
        """The log is another one than before, or has lost what we have not seen yet."""
        is_other = bounds.epoch != self._window.epoch
        logger.warning(
            "log_restarted epoch=%s head=%d before=%s:%d",
            bounds.epoch, bounds.head, self._window.epoch, self._window.head,
        )  # fmt: skip
        if not self._window.epoch:  # there was no log: all that it holds now is news
            self._window.clear(epoch=bounds.epoch, head=bounds.oldest - 1)
            return
        self._lost = "epoch" if is_other else "expired"
        self._filled.clear()
        await self._fill()

    def _after(self, position: int, epoch: str, wait_s: float) -> tuple[LogBounds, Sequence[Row]]:
        """Blocking. One cheap statement where nothing has come, which is what most polls find; and
        rows that continue what is known say all that bounds would.
        """
        if not self._source.waits:
            bounds = self._source.bounds()
            if bounds.epoch == epoch and bounds.head == position:
                return bounds, ()
        rows = self._source.after(position, limit=READ_FACTS, wait_s=wait_s)
        if rows and rows[0]["position"] == position + 1 and rows[-1]["epoch"] == epoch:
            return LogBounds(epoch=epoch, oldest=position + 1, head=rows[-1]["position"]), rows
        return self._source.bounds(), rows

    def _tell_fault(self, fault: BaseException) -> None:
        line = (str(fault).splitlines() or [type(fault).__name__])[0]
        if line != self._fault:  # not at each try of a long outage
            logger.warning("follower_interrupted fault=%s", line)
            self._fault = line

    def _tell_recovered(self) -> None:
        if self._fault:
            logger.warning("follower_recovered")
            self._fault = ""
