"""State in Redis or Valkey; while it is away, presence is what this process knows itself."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from veza.integrations.room_state import scripts
from veza.integrations.room_state.memory import HEARTBEAT_S, MemoryRoomState, counted
from veza.integrations.room_state.port import Count, Member, RoomStateUnavailableError

logger = logging.getLogger(__name__)

PAUSE_S = 0.5
BATCH = 500


class RedisRoomState:
    """One process's view. After a failure Redis is left alone for PAUSE_S, so that a hung one
    costs a time-out now and then, not one a call.
    """

    def __init__(self, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.heartbeat_s = heartbeat_s
        self._process = uuid4().hex
        self._prefix = f"{settings.REDIS_NAMESPACE}:presence:"
        self._index = f"{settings.REDIS_NAMESPACE}:values:"
        self._own = MemoryRoomState(heartbeat_s=float("inf"))
        self._is_behind = False  # Redis has not all that we hold
        self._try_again_at = 0.0
        self._client = _connect()
        self._scripts: dict[str, Script] = {}

    def enter(self, members: Sequence[Member]) -> None:
        self._own.enter(members)
        try:
            self._write(members)
        except RoomStateUnavailableError:
            self._is_behind = True

    def leave(self, members: Sequence[Member]) -> None:
        self._own.leave(members)
        words = [word for member in members for word in (member.room, member.client)]
        try:
            for part in _parts(words, BATCH * 2):
                self._run(scripts.LEAVE, self._prefix, self._process, *part)
        except RoomStateUnavailableError:
            self._is_behind = True

    def members(self, room: str) -> list[Member]:
        try:
            words = self._run(scripts.MEMBERS, self._prefix, self._life_ms, room)
        except RoomStateUnavailableError:
            return self._own.members(room)
        pairs = zip(words[::2], words[1::2], strict=True)
        return [_member(room, client, value) for client, value in pairs]

    def count(self, rooms: Iterable[str]) -> dict[str, Count]:
        return {room: counted(self.members(room)) for room in rooms}

    def beat(self) -> None:
        is_known = self._run(scripts.BEAT, self._prefix, self._process, self._life_ms)
        held = self._own.held()
        if not self._is_behind and (is_known or not held):
            return
        self._is_behind = False
        try:
            self._run(scripts.END, self._prefix, self._process)
            self._write(held)
        except RoomStateUnavailableError:
            self._is_behind = True
            raise

    def end(self) -> None:
        self._own.end()
        try:
            self._run(scripts.END, self._prefix, self._process)
        except RoomStateUnavailableError:
            logger.debug("presence_ends_by_itself")

    def put_values(self, values: Mapping[str, bytes], *, ttl_s: float) -> None:
        words = [word for pair in values.items() for word in pair]
        for part in _parts(words, BATCH * 2):
            self._run(scripts.PUT, self._index, int(ttl_s * 1000), *part)

    def get_values(self, keys: Sequence[str]) -> dict[str, bytes]:
        if not keys:
            return {}
        if self._client is None:
            raise RoomStateUnavailableError
        found = self._guarded(partial(self._client.mget, keys))
        return {key: value for key, value in zip(keys, found, strict=True) if value is not None}

    def list_values(self, prefix: str, *, limit: int) -> dict[str, bytes]:
        live = self._run(scripts.LIVE, self._index + prefix)
        return self.get_values(sorted(key.decode() for key in live)[:limit])

    @property
    def _life_ms(self) -> int:
        return int(self.heartbeat_s * 2000)

    def _write(self, members: Sequence[Member]) -> None:
        words: list[str | bytes] = []
        for member in members:
            words += (member.room, member.client, member.user.encode() + b"\n" + member.info)
        for part in _parts(words, BATCH * 3):
            self._run(scripts.ENTER, self._prefix, self._process, *part)

    def _run(self, script: str, *arguments: str | bytes | int) -> Any:
        if self._client is None:
            raise RoomStateUnavailableError
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        run = self._scripts[script]
        return self._guarded(partial(run, keys=[f"{self._prefix}processes"], args=arguments))

    def _guarded(self, act: Callable[[], Any]) -> Any:
        if time.monotonic() < self._try_again_at:
            raise RoomStateUnavailableError
        try:
            return act()
        except RedisError as fault:
            self._try_again_at = time.monotonic() + PAUSE_S
            raise RoomStateUnavailableError from fault


def _member(room: str, client: bytes, value: bytes) -> Member:
    user, _, info = value.partition(b"\n")
    return Member(room=room, client=client.decode(), user=user.decode(), info=info)


def _parts(words: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(words)
    while part := list(islice(rest, size)):
        yield part


def _connect() -> "Redis | None":
    if not settings.REDIS_URL:
        return None
    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.ROOM_STATE_TIMEOUT_S,
        socket_timeout=settings.ROOM_STATE_TIMEOUT_S,
        # Once more when a pooled connection has died since, never after a time-out.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
