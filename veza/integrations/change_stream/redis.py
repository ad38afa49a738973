"""Redis Streams: one stream a topic, where Debezium Server's Redis sink would write it.

An entry has the fields `key` and `value` (`message.format=extended`) and the id `<commit>-<n>`.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from veza.integrations.change_stream.port import (
    FIRST,
    ChangeStreamRewoundError,
    ChangeStreamUnavailableError,
    Entry,
    EntryId,
    Read,
)
from veza.integrations.redis_call import RedisCall

TIMEOUT_S = 5.0
START = "0-0"
MAX_ENTRIES = 1_000_000
"""Past this the projector has been away for so long that PostgreSQL may keep the rest."""

# Stops at the first error, so that nothing is left out in the middle. XADD refuses an id at or
# below the last, even if all entries are gone; so what is there already is passed over by it.
_APPEND = """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return redis.error_reply('FULL') end
local high, low = 0, -1
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      local dash = string.find(info[i + 1], '-', 1, true)
      high = tonumber(string.sub(info[i + 1], 1, dash - 1))
      low = tonumber(string.sub(info[i + 1], dash + 1))
    end
  end
end
local h, l = tonumber(ARGV[2]), tonumber(ARGV[3])
if h > high or (h == high and l > low) then return 0 end
for i = 4, #ARGV, 4 do
  h, l = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  if h > high or (h == high and l > low) then
    redis.call('XADD', KEYS[1], ARGV[i] .. '-' .. ARGV[i + 1], 'key', ARGV[i + 2],
               'value', ARGV[i + 3])
  end
end
return 1
"""
Answer = TypeVar("Answer")


class RedisChangeStream:
    """On a connection of its own, which waits for as long as a read does."""

    def __init__(self, url: str = "") -> None:
        self._client = Redis.from_url(
            url or settings.REDIS_URL,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self._client.set_response_callback("XREAD", _as_it_came)
        self._append = self._client.register_script(_APPEND)
        self._asked: tuple[tuple[str, str, int], RedisCall] | None = None

    def append(self, topic: str, entries: Sequence[Entry], *, behind: EntryId | None) -> None:
        words: list[Any] = [MAX_ENTRIES, *(behind or (0, -1))]
        for entry in entries:
            words += (entry.id.lsn, entry.id.number, entry.key, entry.value)
        if not _guarded(lambda: self._append(keys=[topic], args=words)):
            raise ChangeStreamRewoundError

    def last(self, topic: str) -> EntryId | None:
        info = _guarded(lambda: self._info(topic))
        if not info:
            return None
        last: Any = info["last-generated-id"]
        return EntryId.parse(last.decode())

    def read(self, topic: str, after: str, *, limit: int, wait_s: float) -> list[Read]:
        found = self._answer((topic, after, limit))
        if not found:
            block = max(1, int(min(wait_s, TIMEOUT_S / 2) * 1000))
            ask = partial(self._client.xread, {topic: after or START}, count=limit, block=block)
            found = _guarded(ask)
        return [Read(name.decode(), _value(fields)) for name, fields in _entries(found)]

    def ask(self, topic: str, after: str, *, limit: int) -> None:
        if self._asked is not None:
            self._asked[1].drop()
            self._asked = None
        words = ("XREAD", "COUNT", limit, "STREAMS", topic, after or START)
        call = RedisCall(self._client, *words)
        with suppress(RedisError):
            call.send()
            self._asked = (topic, after, limit), call

    def _answer(self, question: tuple[str, str, int]) -> Any:
        """To what was asked; None where it has to be asked again."""
        asked, self._asked = self._asked, None
        if asked is None:
            return None
        asked_for, call = asked
        if asked_for != question:
            call.drop()
            return None
        with suppress(RedisError):
            return call.answer()

    def ends_before(self, topic: str, place: str) -> bool:
        last = self.last(topic)
        return place != FIRST and last is not None and last < EntryId.parse(place)

    def trim(self, topic: str, through: str) -> None:
        # Not `through` itself: who has lost his place finds the end of what was read.
        _guarded(lambda: self._client.xtrim(topic, minid=through, approximate=True))

    def backlog(self, topic: str) -> int:
        return int(_guarded(lambda: self._client.xlen(topic)))

    def clear(self, topic: str) -> None:
        _guarded(lambda: self._client.delete(topic))

    def _info(self, topic: str) -> Any:
        return self._client.xinfo_stream(topic) if self._client.exists(topic) else None


def _as_it_came(found: Any, **_: Any) -> Any:
    """Without a dictionary for each entry: thousands come in a second."""
    return found


def _entries(found: Any) -> Any:
    """Of the one stream that was asked for, in either version of the protocol."""
    if not found:
        return []
    return next(iter(found.values())) if isinstance(found, dict) else found[0][1]


def _value(fields: list[bytes]) -> bytes:
    """Of the extended format, or of the compact one, whose one field is the key itself."""
    return fields[3] if fields[2:3] == [b"value"] else fields[1]


def _guarded(act: Callable[[], Answer]) -> Answer:
    try:
        return act()
    except RedisError as fault:
        raise ChangeStreamUnavailableError from fault
