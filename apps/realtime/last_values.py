"""The last values of rooms: written when they come, read when someone joins; shared by all
processes through the store of room state.
"""

import asyncio
import json
import logging
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from typing import Any

from django.conf import settings

from apps.realtime.rooms import resolve
from apps.realtime.types import to_json
from veza.kit.backends import backend
from veza.kit.errors import UpstreamError
from veza.kit.together import Together

logger = logging.getLogger(__name__)

MAX_KNOWN = 100_000
RETRY_S = 1.0
PACE_S = 0.01
"""At most one write in this time: of the values of a room only the last is written."""

Values = dict[str, bytes]


class LastValues:
    """One for each process; called on the loop. What is put is written soon, many at once; while
    the store is away this process tells what it has put itself.
    """

    def __init__(self) -> None:
        self._waiting: Values = {}
        self._in_flight: Values = {}
        self._known: dict[str, tuple[float, bytes]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="last-values")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="last-values-read")
        self._reading = Together(_read_all, executor=self._readers)
        self._writing: asyncio.Task[None] | None = None
        self._is_down = False

    def put(self, room: str, data: Any) -> None:
        """Keep `data` for LAST_VALUE_TTL_S instead of what was kept before."""
        key = value_key(room)
        self._waiting[key] = value = to_json(data)
        self._known.pop(key, None)  # so that the oldest stand first
        self._known[key] = (time.monotonic(), value)
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def get(self, rooms: Iterable[str]) -> dict[str, Any]:
        """The values that live, by room. Never raises, and takes ROOM_STATE_TIMEOUT_S at most."""
        keys = {room: value_key(room) for room in rooms}
        began = time.monotonic()
        unwritten = self._waiting.keys() | self._in_flight.keys()
        try:
            found = dict(await self._reading.ask(keys.values()))
        except UpstreamError:
            found = self._put_since(began - settings.LAST_VALUE_TTL_S, keys.values())
        found |= self._put_since(began, keys.values())  # what overtook our question
        recent = self._put_since(float("-inf"), keys.values())
        found |= {key: value for key, value in recent.items() if key in unwritten}
        return {room: json.loads(found[key]) for room, key in keys.items() if key in found}

    async def stop(self) -> None:
        """Let what waits be written, if that is quick."""
        if self._writing is not None and not self._is_down:
            await asyncio.wait([self._writing], timeout=RETRY_S)
        if self._writing is not None:
            self._writing.cancel()
        self._thread.shutdown(wait=False)
        self._readers.shutdown(wait=False)

    def _put_since(self, at: float, keys: Iterable[str]) -> Values:
        known = {key: self._known[key] for key in keys if key in self._known}
        return {key: value for key, (put_at, value) in known.items() if put_at >= at}

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            self._in_flight, self._waiting = self._waiting, {}
            try:
                await loop.run_in_executor(self._thread, write_values, self._in_flight)
            except UpstreamError:
                self._tell(is_down=True)
                self._waiting = self._in_flight | self._waiting
                await asyncio.sleep(RETRY_S)
            else:
                self._tell(is_down=False)
            self._in_flight = {}
            await asyncio.sleep(PACE_S)

    def _tell(self, *, is_down: bool) -> None:
        if is_down != self._is_down:
            self._is_down = is_down
            logger.warning("last_values_%s", "kept_locally" if is_down else "shared_again")


@lru_cache(maxsize=10_000)
def value_key(room: str) -> str:
    """Where the store keeps the room's last value. Raises ValueError for a room that keeps none."""
    rule = resolve(room)
    if rule is None or rule.keeps != "last_value":
        raise ValueError(f"{room!r} is no room that keeps a last value")
    return rule.value_key.format(**(rule.parts(room) or {}))


def write_values(values: Values) -> None:
    """Blocking. Raises UpstreamError."""
    backend("ROOM_STATE_BACKEND").put_values(values, ttl_s=settings.LAST_VALUE_TTL_S)


def _read_all(questions: list[Collection[str]]) -> list[Values]:
    """All that was asked for, for each of them."""
    keys = list(dict.fromkeys(chain.from_iterable(questions)))
    found: Values = backend("ROOM_STATE_BACKEND").get_values(keys)
    return [found] * len(questions)
