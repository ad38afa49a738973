"""The projection in Redis or Valkey, under names that other programs may read."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, TypeVar

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from veza.integrations.projection import scripts
from veza.integrations.projection.port import (
    EVERY,
    HELD,
    HELD_LOG,
    Batch,
    FeedBounds,
    FeedRow,
    ProjectionOvertakenError,
    ProjectionUnavailableError,
    RoomRows,
    State,
    Turn,
    id_at_start,
)
from veza.integrations.redis_call import RedisCall

PROCESSED_S = 300
WRITE_TIMEOUT_S = 5.0
WAIT_S = 2.0
PAUSE_S = 0.5
PIECES = 100
"""So many pieces of the log are read at once."""
MOST = 2**64 - 1
"""No id of a stream has a larger second half."""
Answer = TypeVar("Answer")
_FINISHED = b'"finished_at":"'


class RedisProjection:
    """Reads for requests give up soon, and after a failure Redis is left alone for PAUSE_S."""

    def __init__(self) -> None:
        self._name = f"{settings.REDIS_NAMESPACE}:feed:rounds"
        self._log = f"{self._name}:lines"
        self._patient = _connect(timeout_s=WRITE_TIMEOUT_S)
        self._quick = _connect(timeout_s=settings.ROOM_STATE_TIMEOUT_S)
        self._script = self._patient.register_script(scripts.APPLY)
        self._try_again_at = 0.0

    def state(self) -> State:
        found = _guarded(partial(self._patient.hgetall, self._name))
        return State(
            epoch=_text(found, b"epoch"), head=int(_text(found, b"head") or 0),
            place=_text(found, b"place"), order=_text(found, b"order"),
            is_ready=_text(found, b"ready") == "1",
        )  # fmt: skip

    def turn(self, batch: Batch) -> Turn:
        return _Turn(self._patient, self._script, [self._name, *self._words(batch)])

    def _words(self, batch: Batch) -> list[Any]:
        """What the script is given."""
        state = batch.state
        first = next((e.announcement.position for e in batch.effects if e.announcement), None)
        floor = state.head if first is None else first - 1
        words: list[Any] = [
            batch.after, state.place, state.order, state.epoch, state.head, int(state.is_ready),
            int(batch.begins_epoch), HELD, HELD_LOG, PROCESSED_S, EVERY, floor,
        ]  # fmt: skip
        for each in batch.effects:
            told = each.announcement
            names = _joined(told.rooms) if told else ""
            line = f"{told.position} {names} {told.envelope}" if told else ""
            words += (
                each.kind, each.id, each.slug, each.type, each.score, each.document, line, names,
            )  # fmt: skip
        return words

    def bounds(self) -> FeedBounds:
        pipeline = self._patient.pipeline(transaction=True)
        pipeline.hmget(self._name, "epoch", "head", "floor")
        pipeline.xrange(self._log, count=1)
        (epoch, head, floor), first = _guarded(pipeline.execute)
        oldest = _positions(first[0][0])[0] if first else int(head or 0) + 1
        return FeedBounds((epoch or b"").decode(), max(oldest, int(floor or 0) + 1), int(head or 0))

    def feed_after(self, position: int, *, limit: int, wait_s: float) -> list[FeedRow]:
        block = max(1, int(min(wait_s, WAIT_S) * 1000))
        ask = partial(self._patient.xread, {self._log: _past(position)}, count=PIECES, block=block)
        rows: list[FeedRow] = []
        while pieces := _entries(_guarded(ask)):
            rows += _rows(pieces, after=position)
            if len(rows) >= limit or len(pieces) < PIECES:
                break
            end = _past(rows[-1].position)
            ask = partial(self._patient.xread, {self._log: end}, count=PIECES)
        return rows[:limit]

    def room_after(self, room: str, position: int, *, through: int) -> RoomRows:
        """The list of a room is as short as what is mostly asked for is rare."""
        if room == EVERY:
            pieces = _guarded(partial(self._patient.xrange, self._log, min=f"({_past(position)}"))
            rows = _rows(pieces, after=position)
            return RoomRows(self.bounds().oldest - 1, [r for r in rows if r.position <= through])
        pipeline = self._patient.pipeline(transaction=True)
        pipeline.lrange(self._key_of(room), 0, -1)
        pipeline.hget(self._name, "floor")
        lines, floor = _guarded(pipeline.execute)
        rows = [_row(line) for line in lines]
        gone = rows[0].position - 1 if len(rows) >= HELD else int(floor or 0)
        return RoomRows(gone, [r for r in rows if position < r.position <= through])

    def find(self, room: str, message_id: str) -> int | None:
        """From the newest on: who comes back has mostly not been away for long."""
        start = id_at_start(message_id)
        for page in self._pages(room):
            for line in reversed(page):
                row = _row(line)
                if row.envelope.startswith(start):
                    return row.position
        return None

    def _pages(self, room: str) -> Iterator[list[bytes]]:
        """The lines of a room, the newest page first."""
        if room != EVERY:
            yield _guarded(partial(self._patient.lrange, self._key_of(room), 0, -1))
            return
        last = "+"
        while pieces := _guarded(partial(self._patient.xrevrange, self._log, last, count=PIECES)):
            for _, fields in pieces:
                yield fields[b"e"].split(b"\n")
            last = f"({pieces[-1][0].decode()}"

    def _key_of(self, room: str) -> str:
        return f"{self._log}:{room}"

    def latest(self, slug: str) -> bytes | None:
        ready, found = self._read(lambda pipe: pipe.get(f"latest:{slug}"))
        if not ready:
            raise LookupError
        document: bytes | None = found
        return document

    def history(self, key: str, *, limit: int) -> list[bytes]:
        """Of equal times all are read: Redis orders them by their text."""
        name = f"history:{key}"
        ready, top = self._read(lambda pipe: pipe.zrevrange(name, 0, limit - 1, withscores=True))
        if not ready:
            raise LookupError
        if len(top) < limit:
            return _sorted(top)[:limit]
        least = top[-1][1]
        pipeline = self._quick.pipeline(transaction=True)
        pipeline.zrangebyscore(name, least, least, withscores=True)
        pipeline.zrange(name, 0, 0, withscores=True)
        pipeline.zcard(name)
        equals, lowest, size = self._quickly(pipeline.execute)
        if size > HELD and lowest and lowest[0][1] >= least:
            raise LookupError  # some of the same time were let go of
        return _sorted([pair for pair in top if pair[1] > least] + equals)[:limit]

    def _read(self, ask: Callable[[Any], Any]) -> tuple[bool, Any]:
        pipeline = self._quick.pipeline(transaction=False)
        pipeline.hget(self._name, "ready")
        ask(pipeline)
        ready, found = self._quickly(pipeline.execute)
        return ready == b"1", found

    def _quickly(self, act: Callable[[], Any]) -> Any:
        if time.monotonic() < self._try_again_at:
            raise ProjectionUnavailableError
        try:
            return _guarded(act)
        except ProjectionUnavailableError:
            self._try_again_at = time.monotonic() + PAUSE_S
            raise


class _Turn:
    def __init__(self, client: Redis, script: Script, words: list[Any]) -> None:
        self._script, self._words = script, words
        self._call = RedisCall(client, "EVALSHA", script.sha, 1, *words)

    def begin(self) -> None:
        _guarded(self._call.send)

    def settle(self) -> None:
        if not _guarded(self._answer):
            raise ProjectionOvertakenError

    def _answer(self) -> Any:
        try:
            return self._call.answer()
        except NoScriptError:  # Redis has begun anew; this loads it
            return self._script(keys=self._words[:1], args=self._words[1:])


@lru_cache(maxsize=1000)
def _joined(rooms: tuple[str, ...]) -> str:
    return " ".join(rooms)


@lru_cache(maxsize=1000)
def _split(rooms: str) -> tuple[str, ...]:
    return tuple(rooms.split(" "))


def _sorted(pairs: list[tuple[bytes, float]]) -> list[bytes]:
    """Newest first, by microseconds as PostgreSQL has them; of one time the highest id."""
    return [doc for doc, _ in sorted(pairs, key=lambda p: (p[1], *place_of(p[0])), reverse=True)]


def place_of(document: bytes) -> tuple[bytes, int]:
    """What orders rounds of one millisecond: the time with its fraction, and the id."""
    at = document.index(_FINISHED) + len(_FINISHED)
    number = int(document[len(b'{"id":') : document.index(b",")])
    return document[at : document.index(b'Z"', at)], number


def _entries(found: Any) -> Any:
    """Of the one stream that was asked for, in either version of the protocol."""
    if isinstance(found, dict):
        return next(iter(found.values()))[0] if found else []
    return found[0][1] if found else []


def _rows(pieces: Any, *, after: int) -> list[FeedRow]:
    """The messages of pieces of the log from a position on, which may stand within the first."""
    rows = [_row(line) for _, fields in pieces for line in fields[b"e"].split(b"\n")]
    return rows if not rows or rows[0].position > after else [r for r in rows if r.position > after]


def _row(line: bytes) -> FeedRow:
    """`<position> <room> <room> {envelope}`."""
    head, _, rest = line.decode().partition(" {")
    position, _, rooms = head.partition(" ")
    return FeedRow(int(position), "{" + rest, _split(rooms))


def _past(position: int) -> str:
    """After every piece that ends there."""
    return f"{position}-{MOST}"


def _positions(name: bytes) -> tuple[int, int]:
    """The first and the last of a piece."""
    last, _, count = name.partition(b"-")
    return int(last) - int(count) + 1, int(last)


def _text(found: dict[bytes, bytes], name: bytes) -> str:
    return found.get(name, b"").decode()


def _guarded(act: Callable[[], Answer]) -> Any:
    try:
        return act()
    except RedisError as fault:
        raise ProjectionUnavailableError from fault


def _connect(*, timeout_s: float) -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
