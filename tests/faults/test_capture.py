"""Where changes were lost clients are told so, and everything can be read again; and rounds travel
over each stream that there is.
"""

import asyncio
import contextlib
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.faults.rig.programs import Program, Web
from tests.faults.rig.road import GAME, SLOT, Road, road_in
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.sse import RefusedError, Stream
from tests.faults.rig.waiting import TooLongError, say, until, until_elsewhere

ROOM = f"game:{GAME}"
LOST = "veza_capture_slot_lost"
MOST_MIB = 10
"""20,000 rows would be 15 MiB, 200,000 150."""


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """For a test that has the changes carried in its own way."""
    with road_in(tmp_path_factory.mktemp("capture"), is_up=False) as road:
        yield road


class Client:
    """Watches the room, and comes back with the last id that it has."""

    def __init__(self, road: Road, *, port: int = 0, after: str = "") -> None:
        self.seen: list[int] = []
        self.positions: list[int] = []
        self.resets: list[str] = []
        self.connects = 0
        self.last = after
        self._port = port or road.webs[0].client_port
        self._task = asyncio.create_task(self._run())

    def has(self, number: int) -> bool:
        return number in self.seen

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                stream = await Stream.open(self._port, rooms=ROOM, after=self.last, is_whole=True)
            except (OSError, EOFError, RefusedError, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            try:
                while True:
                    self._take(await stream.next())
            except (OSError, EOFError, TimeoutError, ValueError):
                await asyncio.sleep(0.05)
            finally:
                stream.close()

    def _take(self, fields: dict[str, str]) -> None:
        kind = fields.get("event", "message")
        if kind == "message":
            self.connects += fields["data"] == "connected"
        elif kind == "reset":
            self.resets.append(json.loads(fields["data"])["reason"])
            self.last = fields["id"]
        else:
            envelope = json.loads(fields["data"])
            self.seen.append(envelope["data"]["id"])
            self.positions.append(envelope["position"])
            self.last = fields["id"]


@contextlib.asynccontextmanager
async def watching(road: Road) -> AsyncIterator[Client]:
    """A client, of whom it is known that what is committed from now on is told to him."""
    await until_elsewhere(road.is_carried, what="rounds are carried")
    client = Client(road)
    try:
        await until(lambda: client.connects, what="the client watches")
        yield client
    finally:
        await client.stop()


async def test_of_two_readers_one_waits_and_takes_over(road):
    async with watching(road) as client:
        for capture in road.captures:
            capture.kill()
            told = road.insert()
            await until(partial(client.has, told), what="the round came")
            await capture.start()
        assert client.seen == sorted(set(client.seen))
        assert client.resets == []


async def test_a_large_commit_is_told_whole_and_takes_no_memory(road):
    reader, other = road.captures
    other.kill()
    async with watching(road) as client:
        await next_round(road, client)
        client.seen.clear()
        before = memory_mib(reader)
        began = time.monotonic()
        last = road.insert(SIZE.rows)
        await until_elsewhere(lambda: road.latest() == last, what="it is projected")
        took_s = time.monotonic() - began
        after = await next_round(road, client)
    grown = memory_mib(reader) - before
    await other.start()
    say(f"{SIZE.rows} rows in one commit: {took_s:.1f} s, the reader grew by {grown:.1f} MiB")
    assert grown < MOST_MIB
    assert client.seen == sorted(set(client.seen))
    if not client.resets:  # who is too slow for the flood is told that he is
        assert client.seen == list(range(last - SIZE.rows + 1, after + 1))


async def next_round(road: Road, client: Client) -> int:
    """Insert rounds until the client is told one."""
    deadline = time.monotonic() + 120
    while True:
        number = road.insert()
        try:
            await until(partial(client.has, number), within_s=5, what="the round came")
        except TooLongError:
            assert time.monotonic() < deadline, "no round came"
        else:
            return number


def memory_mib(program: Program) -> float:
    """The most that the process ever held."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{program.pid}/status").read_text())
    return int(line) / 1024


async def test_a_lost_slot_is_told_and_everything_is_read_again(road):
    async with watching(road) as client:
        before = road.insert()
        await until(lambda: before in client.seen, what="a round came")
        for capture in road.captures:
            capture.kill()
        await until_elsewhere(lambda: not is_read(road), what="nobody reads the slot")

        road.query("SELECT pg_drop_replication_slot(%s)", SLOT)
        missed = road.insert()
        for capture in road.captures:
            await capture.start()
        await until(lambda: client.resets, what="the client is told")
        await until_elsewhere(road.is_carried, what="rounds are carried again")
        await until_elsewhere(lambda: road.latest() == missed, what="REST has it")
        after = road.insert()

        await until(lambda: after in client.seen, what="the next round came")
    assert client.resets == ["epoch"]
    assert client.seen.count(after) == 1


@pytest.mark.parametrize("away", ["killed", "frozen"])
async def test_a_reader_that_is_away_costs_a_bounded_part_of_the_disk(tmp_path, away):
    """Past it PostgreSQL gives the slot up: operators are told at once, clients by the next reader,
    who reads again what nobody was told.
    """
    with road_in(tmp_path, is_log_short=True) as road:
        async with watching(road) as client:
            before = road.insert()
            await until(lambda: before in client.seen, what="a round came")
            for capture in road.captures:
                capture.signal(signal.SIGKILL if away == "killed" else signal.SIGSTOP)
            missed = road.insert(3)

            await asyncio.to_thread(road.fill_log, mib=100)
            await until_elsewhere(lambda: road.slot_state() == "lost", what="the slot is given up")
            assert road.log_mib() < 200
            await until_elsewhere(lambda: tells_of_loss(road.webs[0]), what="operators are told")

            await road.heal()
            await until(lambda: client.resets, what="the client is told")
            await until_elsewhere(lambda: road.latest() == missed, what="REST has it")
            after = road.insert()
            await until(lambda: after in client.seen, what="the next round came")
        assert client.resets == ["epoch"]
        assert client.seen.count(after) == 1
        await until_elsewhere(lambda: road.webs[0].metric(LOST) == 0, what="the alarm is over")


async def test_a_redis_that_was_emptied_is_filled_again(road):
    async with watching(road) as client:
        before = road.insert(1_100)
        await until(lambda: before in client.seen, what="rounds came")

        road.redis_command("FLUSHALL")
        last = road.insert()

        await until_elsewhere(lambda: road.latest() == last, what="REST has it")
        await until(lambda: client.resets, what="the client is told")
        await until_elsewhere(road.is_carried, what="rounds are carried again")
        after = road.insert()
        await until(lambda: after in client.seen, what="the next round came")
    assert client.resets == ["epoch"]
    assert b":1001\r\n" in road.redis_command("ZCARD", "history:kills")


def tells_of_loss(web: Web) -> bool:
    status, document = web.get("/readyz")
    found = document["dependencies"]["capture"]
    is_told = status == 200 and found["state"] == "down" and "slot is lost" in found["detail"]
    return is_told and web.metric(LOST) == 1


def is_read(road: Road) -> bool:
    rows = road.query("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", SLOT)
    return bool(rows and rows[0][0])


@contextmanager
def another_road(road: Road, name: str, **settings: object) -> Iterator[Web]:
    """A reader, a projector and a web process with settings of their own."""
    settings = {"CAPTURE_SLOT": name, **settings}
    web = road.web(f"web-{name}", **settings)
    carriers = [road._role(f"{role}-{name}", role) for role in ("capture", "projector")]
    for each in carriers:
        each.env = road.environment(each.name, **settings)
    try:
        for each in (*carriers, web):
            each.launch()
        web.wait_until_ready()
        yield web
    finally:
        for each in (*carriers, web):
            each.stop()
        road.query("SELECT pg_drop_replication_slot(%s)", name)


async def told_once(road: Road, web: Web) -> None:
    """A round that is inserted now, and those that a client has missed, come once each."""
    client = Client(road, port=web.port)
    await until(lambda: client.connects, what="the client watches")
    deadline = time.monotonic() + 30
    while not client.seen:  # until the first was captured, rounds are read again and not told
        assert time.monotonic() < deadline, "no round came"
        first = road.insert()
        await asyncio.sleep(0.5)
    await until(lambda: first in client.seen, what="the round came")
    await client.stop()
    missed = [road.insert() for _ in range(20)]
    again = Client(road, port=web.port, after=client.last)
    await until(lambda: len(again.seen) >= len(missed), what="they came")
    await again.stop()
    assert again.seen == missed
    assert client.seen == sorted(set(client.seen))
    status, body = await asyncio.to_thread(web.get, "/api/v1/games/kills/rounds/latest")
    assert (status, body["id"]) == (200, missed[-1])


async def test_postgresql_alone_carries_rounds(servers):
    with another_road(servers, "alone", REDIS_URL="") as web:
        await told_once(servers, web)


@pytest.mark.needs_nats
@pytest.mark.parametrize("redis", ["with Redis", "without Redis"])
async def test_nats_carries_rounds(redis, tmp_path):
    changes = {} if redis == "with Redis" else {"REDIS_URL": ""}
    with (
        road_in(tmp_path, streams_over="nats", is_up=False) as road,
        another_road(road, "nats", **changes) as web,
    ):
        await told_once(road, web)
