"""What a web process holds of data streams, to answer without asking anybody.

Rounds are read once, and kept current by the feed as this process follows it. Games and prices have
no log: they are read again and again while they are asked for, and are good for a moment only.
Everything is called on the loop of the realtime node but what says that it blocks.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from django.db import DatabaseError, InterfaceError, connection

from apps.datastream.rules.held import HELD, HeldRounds
from apps.datastream.rules.rounds import CORRECTED, FINISHED, REMOVED
from apps.realtime import selectors as realtime
from apps.realtime import services as realtime_services
from apps.realtime.types import Message, Place
from veza.integrations.projection import ProjectionUnavailableError, projection
from veza.kit.errors import UpstreamError

logger = structlog.get_logger(__name__)

FEED = "rounds"
SURE_S = 2.0
"""The feed is read without a pause; nothing is told from memory so long after the last reading."""
MOST_KEYS = 500
WANTED_S = 1.0
"""What nobody has asked for in this time is not read again."""
AWAY = (UpstreamError, DatabaseError, InterfaceError, LookupError)


class _Key:
    """Rounds of a game, or of a type. `since` is where the feed stood when they had been read."""

    def __init__(self, fills: int) -> None:
        self.fills = fills
        self.held: HeldRounds | None = None
        self.since = 0
        self.missed: list[Message] = []
        self.pages: dict[object, object] = {}
        self.sure_at: Place | None = None
        """At this place of the feed what is held was found to be true."""

    def apply(self, message: Message) -> None:
        if self.held is None:
            self.missed.append(message)
            return
        self.pages.clear()
        if message.type == REMOVED:
            self.held.remove(message.data["id"])
        else:
            self.held.put(message.data_json())


class RoundsInMemory:
    """The newest rounds under the keys that were asked for: `dice` of a game, `type:luck`."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._place = realtime.place_in_log(FEED)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="held-rounds")
        self._reading: set[asyncio.Task[None]] = set()
        for kind in (FINISHED, CORRECTED, REMOVED):
            realtime_services.watch_facts(kind, self._take)

    def find(self, name: str) -> "tuple[HeldRounds, dict[object, object]] | None":
        """What is held, and room for what was made of it, which is empty after each change; None
        where this process cannot be sure.
        """
        key = self._keys.get(name)
        place = self._place(SURE_S)
        if key is None or place is None or key.held is None:
            return None
        if place is not key.sure_at:
            if key.fills != place.fills:
                del self._keys[name]
                return None
            if place.head < key.since:
                return None
            key.sure_at = place
        return key.held, key.pages

    def warm(self, name: str) -> None:
        """Begin to hold it, if it is not held."""
        place = self._place(SURE_S)
        if place is None or name in self._keys:
            return
        while len(self._keys) >= MOST_KEYS:
            del self._keys[next(iter(self._keys))]
        key = self._keys[name] = _Key(place.fills)
        task = asyncio.create_task(self._read(name, key, place))
        self._reading.add(task)
        task.add_done_callback(partial(self._end, name, key))

    def _end(self, name: str, key: _Key, task: asyncio.Task[None]) -> None:
        """Whatever ended the reading, what was not read may be asked for again."""
        self._reading.discard(task)
        if key.held is None and self._keys.get(name) is key:
            del self._keys[name]

    async def _read(self, name: str, key: _Key, place: Place) -> None:
        try:
            found, head = await asyncio.get_running_loop().run_in_executor(
                self._thread, _read_rounds, name
            )
        except AWAY:  # another request will try again
            return
        now = self._place(SURE_S)
        if not found or now is None or now.fills != place.fills:
            return
        key.held, key.since = HeldRounds(found, is_whole=len(found) < HELD), head
        for message in key.missed:
            key.apply(message)
        key.missed.clear()

    def _take(self, message: Message) -> None:
        for name in (message.data["game_slug"], f"type:{message.data['game_type']}"):
            if key := self._keys.get(name):
                key.apply(message)


def _read_rounds(name: str) -> tuple[list[bytes], int]:
    """The rounds, and where the feed stood after they were read. Blocks."""
    found = projection().history(name, limit=HELD)
    bounds = projection().bounds()
    if not bounds.epoch:
        raise ProjectionUnavailableError
    return found, bounds.head


class _Value:
    def __init__(self, now: float) -> None:
        self.content: bytes | None = None
        self.read_at = float("-inf")
        self.asked_at = now


class ValuesInMemory:
    """Values that one blocking call reads, all of those asked for at once: `read(names)` gives the
    JSON of those that there are. A value is told for `good_s` after the reading of it began, and
    read again each `every_s` while somebody asks.
    """

    def __init__(
        self, read: Callable[[list[str]], Mapping[str, bytes]], *, every_s: float, good_s: float
    ) -> None:
        self._read = read
        self._every_s, self._good_s = every_s, good_s
        self._values: dict[str, _Value] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="held-values")
        self._task: asyncio.Task[None] | None = None

    def find(self, name: str) -> bytes | None:
        """None where it is not known, or was read too long ago."""
        value = self._values.get(name)
        if value is None:
            return None
        value.asked_at = now = time.monotonic()
        return value.content if now - value.read_at <= self._good_s else None

    def warm(self, name: str) -> None:
        """Begin to read it."""
        if name not in self._values and len(self._values) < MOST_KEYS:
            self._values[name] = _Value(time.monotonic())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_reading())

    async def _keep_reading(self) -> None:
        while True:
            began = time.monotonic()
            for name in [n for n, v in self._values.items() if began - v.asked_at > WANTED_S]:
                del self._values[name]
            if not self._values:
                return
            loop = asyncio.get_running_loop()
            found: Mapping[str, bytes] = {}
            try:
                found = await loop.run_in_executor(self._thread, self._call, list(self._values))
            except AWAY as fault:
                logger.debug("values_not_read", fault=str(fault))
            for name in list(self._values):
                if name in found:
                    self._values[name].content = found[name]
                    self._values[name].read_at = began
                else:
                    del self._values[name]
            await asyncio.sleep(self._every_s)

    def _call(self, names: list[str]) -> Mapping[str, bytes]:
        try:
            return self._read(names)
        finally:
            connection.close()
