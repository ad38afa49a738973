"""Rounds reach a client that resumes each once and in commit order, whatever is killed; and where
changes were lost it is told so, and everything can be read again.
"""

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.rig.programs import Program, Web
from tests.faults.rig.road import Road
from tests.faults.rig.sse import RefusedError, Stream
from tests.faults.rig.waiting import say, until, until_elsewhere
from veza.embedded.ports import free_port

ROOM = "game:kills"
RATE = 500
PAUSE_S = 2.0


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """For a test that has the changes carried in its own way."""
    road = Road(tmp_path_factory.mktemp("capture"))
    try:
        road.prepare()
        yield road
    finally:
        road.down()


class Writer:
    """Commits a round at a time, in a thread, and begins again when PostgreSQL is away."""

    def __init__(self, road: Road) -> None:
        self._dsn = road._dsn()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True, connect_timeout=2) as connection:
                    self._write(connection)
            except psycopg.Error:
                self._ends.wait(0.05)

    def _write(self, connection: psycopg.Connection) -> None:
        game = connection.execute("SELECT id FROM datastream_game WHERE slug = 'kills'").fetchone()
        due = time.monotonic()
        while not self._ends.is_set():
            connection.execute("INSERT INTO datastream_round (game_id) VALUES (%s)", game)
            due += 1 / RATE
            self._ends.wait(max(0.0, due - time.monotonic()))


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


async def crash(program: Program) -> None:
    say(f"kill -9 {program.name}")
    program.kill()
    await asyncio.sleep(PAUSE_S / 4)
    await program.start()
    await asyncio.sleep(PAUSE_S)


async def test_each_round_comes_once_and_in_order_whatever_is_killed(road):
    await until_elsewhere(road.is_captured, within_s=20, what="a reader has the slot")
    first = road.insert()
    await until_elsewhere(lambda: road.latest() == first, within_s=20, what="a round is projected")
    client, writer = Client(road), Writer(road)
    await until(lambda: client.connects, within_s=20, what="the client watches")
    writer.start()
    await asyncio.sleep(PAUSE_S)

    victims = [
        *road.captures, *road.projectors, road.redis, road.webs[0], road.postgres, road.redis,
        *road.captures,
    ]  # fmt: skip
    for victim in victims:
        await crash(victim)
    writer.stop()
    committed = [number for number in road.rounds() if number > first]
    try:
        await until(
            lambda: len(client.seen) >= len(committed), within_s=60,
            what=lambda: f"{len(client.seen)} of {len(committed)} rounds came",
        )  # fmt: skip
        await asyncio.sleep(1)
    finally:
        await client.stop()

    say(f"{len(committed)} rounds, {client.connects} connections, {len(victims)} kills")
    assert client.resets == []
    assert client.seen == committed
    assert client.positions == sorted(set(client.positions))
    assert len(committed) > 5_000


async def test_a_lost_slot_is_told_and_everything_is_read_again(road):
    await until_elsewhere(road.is_captured, within_s=20, what="a reader has the slot")
    client = Client(road)
    await until(lambda: client.connects, within_s=20, what="the client watches")
    before = road.insert()
    await until(lambda: before in client.seen, within_s=20, what="a round came")
    for capture in road.captures:
        capture.kill()
    await until_elsewhere(lambda: not is_read(road), within_s=10, what="nobody reads the slot")

    road.query("SELECT pg_drop_replication_slot('veza')")
    missed = road.insert()
    for capture in road.captures:
        await capture.start()
    await until(lambda: client.resets, within_s=30, what="the client is told")
    await until_elsewhere(road.is_captured, within_s=20, what="a reader has the slot")
    await until_elsewhere(lambda: road.latest() == missed, within_s=20, what="REST has the round")
    after = road.insert()

    await until(lambda: after in client.seen, within_s=20, what="the next round came")
    await client.stop()
    assert client.resets == ["epoch"]
    assert client.seen.count(after) == 1


async def test_a_redis_that_was_emptied_is_filled_again(road):
    await until_elsewhere(road.is_captured, within_s=20, what="a reader has the slot")
    client = Client(road)
    await until(lambda: client.connects, within_s=20, what="the client watches")
    before = road.insert(1_100)
    await until(lambda: before in client.seen, within_s=20, what="rounds came")

    road.redis_command("FLUSHALL")
    last = road.insert()

    await until_elsewhere(lambda: road.latest() == last, within_s=20, what="REST has the round")
    await until(lambda: client.resets, within_s=30, what="the client is told")
    after = road.insert()
    await until(lambda: after in client.seen, within_s=20, what="the next round came")
    await client.stop()
    assert client.resets == ["epoch"]
    assert b":1001\r\n" in road.redis_command("ZCARD", "history:kills")


def is_read(road: Road) -> bool:
    rows = road.query("SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'veza'")
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


@contextmanager
def own_nats(folder: Path) -> Iterator[str]:
    """A server with JetStream that nobody else uses; its address."""
    port = free_port()
    argv = ["nats-server", "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder / "nats")]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"nats://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


async def told_once(road: Road, web: Web) -> None:
    """A round that is inserted now, and those that a client has missed, come once each."""
    client = Client(road, port=web.port)
    await until(lambda: client.connects, within_s=20, what="the client watches")
    deadline = time.monotonic() + 30
    while not client.seen:  # until the first was captured, rounds are read again and not told
        assert time.monotonic() < deadline, "no round came"
        first = road.insert()
        await asyncio.sleep(0.5)
    await until(lambda: first in client.seen, within_s=20, what="the round came")
    await client.stop()
    missed = [road.insert() for _ in range(20)]
    again = Client(road, port=web.port, after=client.last)
    await until(lambda: len(again.seen) >= len(missed), within_s=20, what="they came")
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
async def test_nats_carries_rounds(servers, redis, tmp_path):
    changes = {} if redis == "with Redis" else {"REDIS_URL": ""}
    with own_nats(tmp_path) as url, another_road(servers, "nats", NATS_URL=url, **changes) as web:
        await told_once(servers, web)
