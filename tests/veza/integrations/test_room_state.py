"""One suite for every adapter of the port, and Redis over processes that are killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.test import override_settings

from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until
from tests.veza.integrations.own_redis import OwnRedis
from veza.integrations.room_state import (
    Count,
    Member,
    RoomState,
    RoomStateUnavailableError,
    room_state,
)
from veza.integrations.room_state.memory import MemoryRoomState, MemoryStore
from veza.integrations.room_state.redis import RedisRoomState

HEARTBEAT_S = 0.2
TIMEOUT_S = 0.25
NewProcess = Callable[..., RoomState]
_numbers = count()


def new_room() -> str:
    return f"chat:{os.getpid()}-{next(_numbers)}"


def new_prefix() -> str:
    return f"test-{os.getpid()}-{next(_numbers)}:"


def clients(state: RoomState, room: str) -> list[str]:
    return sorted(member.client for member in state.members(room))


def beaten(state: RoomState) -> bool:
    """Whether the store took the beat."""
    try:
        state.beat()
    except RoomStateUnavailableError:
        return False
    return True


@pytest.fixture(params=["memory", "redis"])
def new_process(request: pytest.FixtureRequest) -> Iterator[NewProcess]:
    if request.param == "memory":
        store = MemoryStore()
        yield lambda heartbeat_s=PATIENCE_S: MemoryRoomState(store, heartbeat_s=heartbeat_s)
        return
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set.")
    yield lambda heartbeat_s=PATIENCE_S: RedisRoomState(heartbeat_s=heartbeat_s)


class TestPresence:
    def test_is_seen_by_every_process(self, new_process: NewProcess) -> None:
        one, other, room = new_process(), new_process(), new_room()
        ann = Member(room=room, client="a", user="ann", info=b'{"line":"1\\n2"}')
        one.enter([ann])
        other.enter([Member(room=room, client="b")])
        for state in (one, other):
            assert sorted(state.members(room), key=lambda member: member.client) == [
                ann,
                Member(room=room, client="b"),
            ]
            assert state.members(new_room()) == []

    def test_ends_with_leaving(self, new_process: NewProcess) -> None:
        one, other, room, second = new_process(), new_process(), new_room(), new_room()
        one.enter([Member(room=each, client="a") for each in (room, second)])
        one.enter([Member(room=room, client="b")])
        one.leave([Member(room=room, client="a"), Member(room=room, client="never there")])
        assert clients(other, room) == ["b"]
        assert clients(other, second) == ["a"]
        one.leave([Member(room=room, client="b"), Member(room=second, client="a")])
        assert clients(one, room) == clients(other, second) == []

    def test_of_many_is_whole(self, new_process: NewProcess) -> None:
        state, room = new_process(), new_room()
        everyone = [Member(room=room, client=f"{number:04d}") for number in range(1700)]
        state.enter(everyone)
        assert clients(state, room) == [member.client for member in everyone]
        state.leave(everyone[:1600])
        assert clients(state, room) == [member.client for member in everyone[1600:]]

    def test_a_repeat_replaces(self, new_process: NewProcess) -> None:
        state, room = new_process(), new_room()
        for info in (b"1", b"2"):
            state.enter([Member(room=room, client="a", info=info)])
        assert [member.info for member in state.members(room)] == [b"2"]

    def test_counts_users_once(self, new_process: NewProcess) -> None:
        one, other, room, empty = new_process(), new_process(), new_room(), new_room()
        one.enter([Member(room=room, client="a", user="ann")])
        other.enter([Member(room=room, client="b", user="ann")])
        other.enter([Member(room=room, client=str(number)) for number in range(3)])
        assert one.count([room, empty]) == {
            room: Count(clients=5, users=4),
            empty: Count(clients=0, users=0),
        }

    def test_heals_within_two_heartbeats_of_silence(self, new_process: NewProcess) -> None:
        silent, living = new_process(HEARTBEAT_S), new_process(HEARTBEAT_S)
        room = new_room()
        silent.enter([Member(room=room, client="gone")])
        living.enter([Member(room=room, client="here")])
        until(lambda: beaten(living) and clients(living, room) == ["here"])

        def both_are_there() -> bool:
            silent.beat()  # it was only slow
            living.beat()
            return clients(living, room) == ["gone", "here"]

        until(both_are_there)

    def test_stays_as_long_as_it_beats(self, new_process: NewProcess) -> None:
        state, other, room = new_process(HEARTBEAT_S), new_process(HEARTBEAT_S), new_room()
        state.enter([Member(room=room, client="a")])
        deadline = time.monotonic() + 4 * HEARTBEAT_S
        seen: set[tuple[str, ...]] = set()
        while time.monotonic() < deadline or not seen:
            beaten_at = time.monotonic()
            state.beat()
            other.beat()
            found = clients(other, room)
            if time.monotonic() - beaten_at < HEARTBEAT_S:  # else the machine stood still
                seen.add((*found,))
        assert seen == {("a",)}

    def test_ends_at_once_with_a_process_that_says_so(self, new_process: NewProcess) -> None:
        one, other, room = new_process(), new_process(), new_room()
        one.enter([Member(room=room, client="a")])
        one.end()
        assert clients(other, room) == []


class TestLastValues:
    def test_are_the_last_for_every_process(self, new_process: NewProcess) -> None:
        one, other, prefix = new_process(), new_process(), new_prefix()
        one.put_values({f"{prefix}a": b"1", f"{prefix}b": b"2"}, ttl_s=30)
        one.put_values({f"{prefix}a": b"3"}, ttl_s=30)
        keys = [f"{prefix}{name}" for name in ("a", "b", "c")]
        assert other.get_values(keys) == {f"{prefix}a": b"3", f"{prefix}b": b"2"}
        assert other.get_values([]) == {}

    def test_are_listed_by_their_keys(self, new_process: NewProcess) -> None:
        state, prefix = new_process(), new_prefix()
        values = {f"{prefix}{name}": name.encode() for name in ("c", "a", "b")}
        state.put_values(values, ttl_s=30)
        state.put_values({new_prefix() + "a": b"another's"}, ttl_s=30)
        assert list(state.list_values(prefix, limit=10).items()) == sorted(values.items())
        assert list(state.list_values(prefix, limit=2)) == [f"{prefix}a", f"{prefix}b"]
        assert state.list_values(new_prefix(), limit=2) == {}

    def test_end_with_their_time(self, new_process: NewProcess) -> None:
        state, prefix = new_process(), new_prefix()
        state.put_values({f"{prefix}soon": b"1"}, ttl_s=0.1)
        state.put_values({f"{prefix}late": b"1"}, ttl_s=30)
        until(lambda: state.get_values([f"{prefix}soon"]) == {})
        assert list(state.list_values(prefix, limit=9)) == [f"{prefix}late"]

    def test_of_many_are_kept(self, new_process: NewProcess) -> None:
        state, prefix = new_process(), new_prefix()
        values = {f"{prefix}{number:05d}": b"%d" % number for number in range(3000)}
        state.put_values(values, ttl_s=30)
        assert state.list_values(prefix, limit=5000) == values


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with OwnRedis(tmp_path) as server, override_settings(REDIS_URL=server.url):
        yield server


PROCESS = """
import sys, django; django.setup()
from veza.integrations.room_state import Member
from veza.integrations.room_state.redis import RedisRoomState
state = RedisRoomState(heartbeat_s=0.3)
state.enter([Member(room=sys.argv[1], client=str(n), user="ann") for n in range(1000)])
print("in", flush=True)
while True:
    state.beat()
"""


class TestRedis:
    def test_what_a_killed_process_left_is_gone_within_two_heartbeats(
        self, own_redis: OwnRedis
    ) -> None:
        living = RedisRoomState(heartbeat_s=0.3)
        # A machine that stands still at the wrong moment may have it seen late.
        seconds = (self._until_gone_s(own_redis, living) for _ in range(5))
        assert any(each < 2 * 0.3 + 0.5 for each in seconds)
        living.beat()
        assert self._keys(own_redis) == {b"presence:processes"}

    @staticmethod
    def _until_gone_s(own_redis: OwnRedis, living: RedisRoomState) -> float:
        room = new_room()
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "REDIS_URL": own_redis.url,
        }
        with subprocess.Popen(
            [sys.executable, "-c", PROCESS, room],
            stdout=subprocess.PIPE,
            env=environment,
            cwd=settings.BASE_DIR,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"in\n"
            until(lambda: living.count([room]) == {room: Count(clients=1000, users=1)})
            process.kill()
        killed_at = time.monotonic()
        until(lambda: beaten(living) and living.members(room) == [])
        return time.monotonic() - killed_at

    def test_nothing_is_left_when_all_have_gone(self, own_redis: OwnRedis) -> None:
        one, other, room = RedisRoomState(), RedisRoomState(), new_room()
        one.enter([Member(room=room, client="a")])
        other.enter([Member(room=room, client="b")])
        other.leave([Member(room=room, client="b")])
        one.end()
        other.end()
        assert self._keys(own_redis) == set()

    def test_each_process_tells_what_it_knows_while_it_is_away(self, own_redis: OwnRedis) -> None:
        one, other, room = RedisRoomState(), RedisRoomState(), new_room()
        one.enter([Member(room=room, client="before")])
        own_redis.kill()
        one.enter([Member(room=room, client="during")])
        other.enter([Member(room=room, client="elsewhere")])
        assert clients(one, room) == ["before", "during"]
        assert clients(other, room) == ["elsewhere"]
        for act in (
            one.beat,
            lambda: one.put_values({"a:b": b"1"}, ttl_s=9),
            lambda: one.get_values(["a:b"]),
            lambda: one.list_values("a:", limit=1),
        ):
            with pytest.raises(RoomStateUnavailableError):
                act()
        one.leave([Member(room=room, client="before")])
        own_redis.start()
        until(lambda: beaten(one) and beaten(other))
        assert clients(one, room) == clients(other, room) == ["during", "elsewhere"]

    def test_a_hung_one_costs_one_time_out(self, own_redis: OwnRedis) -> None:
        with override_settings(ROOM_STATE_TIMEOUT_S=TIMEOUT_S):
            state, room = RedisRoomState(), new_room()
        state.enter([Member(room=room, client="a")])
        own_redis.freeze()
        # What a busy machine does slowly may last until Redis is asked once more.
        seconds = (self._entering_s(state, room) for _ in range(5))
        assert any(each < 2 * TIMEOUT_S + 0.2 for each in seconds)
        state.leave([Member(room=room, client=str(number)) for number in range(100)])
        own_redis.thaw()
        until(lambda: beaten(state))
        assert clients(RedisRoomState(), room) == ["a"]

    @staticmethod
    def _entering_s(state: RedisRoomState, room: str) -> float:
        begun = time.monotonic()
        for number in range(100):
            state.enter([Member(room=room, client=str(number))])
        return time.monotonic() - begun

    def test_without_one_the_process_is_alone(self) -> None:
        with override_settings(REDIS_URL=""):
            state, room = RedisRoomState(), new_room()
        state.enter([Member(room=room, client="a")])
        assert clients(state, room) == ["a"]
        with pytest.raises(RoomStateUnavailableError):
            state.beat()
        state.end()
        assert clients(state, room) == []

    def test_values_bear_the_names_that_other_programs_read(self, own_redis: OwnRedis) -> None:
        RedisRoomState().put_values({"last_price:X": b"{}"}, ttl_s=300)
        with redis.Redis.from_url(own_redis.url) as store:
            assert store.get("last_price:X") == b"{}"
            assert 299_000 < store.pttl("last_price:X") <= 300_000
        assert self._keys(own_redis) == {b"last_price:X", b"values:last_price:"}

    def test_is_the_state_of_the_product(self) -> None:
        assert isinstance(room_state(), RedisRoomState)
        assert room_state() is room_state()

    @staticmethod
    def _keys(server: OwnRedis) -> set[bytes]:
        mine = f"{settings.REDIS_NAMESPACE}:".encode()
        with redis.Redis.from_url(server.url) as store:
            return {key.removeprefix(mine) for key in store.scan_iter()}
