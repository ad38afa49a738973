"""A place in the log gives exactly what was missed, or the reason why that is not known (P4)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.realtime.errors import LogUnavailableError
from apps.realtime.follower import Follower
from apps.realtime.hub import Hub
from apps.realtime.log_reader import LogReader
from apps.realtime.recovery import Lost, Recovered, Recovery
from apps.realtime.types import Position
from apps.realtime.window import Window
from tests.apps.realtime.fakes import Clock
from tests.apps.realtime.log import epoch, fact_id, rooms_at, set_epoch, write_log

OLDEST, HEAD = 101, 1100

pytestmark = pytest.mark.django_db(transaction=True)


class Side:
    """Memory and log of one process; `forget` leaves the log alone to answer."""

    def __init__(self) -> None:
        clock = Clock()
        self.window = Window()
        self.queries = 0
        self.hub = Hub(clock=clock, soon=clock.soon)
        self.follower = Follower(
            hub=self.hub, window=self.window, reader=LogReader(name="follower"),
            on_reset=lambda reason: None,
        )  # fmt: skip
        self.is_away = False
        self._reader = LogReader(name="recovery")
        self.recovery = Recovery(window=self.window, reader=self, log=self.follower)

    async def call(self, read: Callable[[], Any]) -> Any:
        if self.is_away:
            raise OperationalError("the server closed the connection unexpectedly")
        self.queries += 1
        return await self._reader.call(read)

    def stop(self) -> None:
        self._reader.stop()

    def forget(self) -> None:
        self.window.clear(epoch=self.window.epoch, head=self.window.head)


def recovered(
    rooms: list[str],
    after: Any,
    limit: int = 10_000,
    *,
    source: str = "memory",
    meanwhile: Callable[[Side], None] | None = None,
) -> tuple[Any, Side]:
    """What a client is told that comes back to a process that follows the log."""

    async def run() -> tuple[Any, Side]:
        side = Side()
        await side.follower.start()
        try:
            if source == "log":
                side.forget()
            if meanwhile:
                meanwhile(side)
            return await side.recovery.recover(rooms, after, limit), side
        finally:
            await side.follower.stop()
            side.recovery.stop()

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _epoch_stays(transactional_db):
    before = epoch()
    yield
    set_epoch(before, floor=0)


@pytest.fixture
def log():
    write_log(OLDEST, HEAD)


both = pytest.mark.parametrize("source", ["memory", "log"])

GIVEN: dict[str, tuple[Callable[[], Any], int]] = {
    "none": (lambda: None, 0),
    "the last, by id": (lambda: fact_id(HEAD), 0),
    "the last, by position": (lambda: Position(HEAD, epoch()), 0),
    "some before the last, by id": (lambda: fact_id(HEAD - 7), 7),
    "some before the last, by position": (lambda: Position(HEAD - 7, epoch()), 7),
    "the oldest, by id": (lambda: fact_id(OLDEST), HEAD - OLDEST),
    "right before the oldest, by position": (
        lambda: Position(OLDEST - 1, epoch()),
        HEAD - OLDEST + 1,
    ),
    "any epoch": (lambda: Position(HEAD - 3, ""), 3),
}
LOST: dict[str, tuple[Callable[[], Any], Any]] = {
    "an id that was dropped": (lambda: fact_id(OLDEST - 1), "expired"),
    "a position that was dropped": (lambda: Position(OLDEST - 2, epoch()), "expired"),
    "an id that never was": (lambda: fact_id(HEAD + 5), "unknown"),
    "a position that never was": (lambda: Position(HEAD + 5, epoch()), "unknown"),
    "another epoch": (lambda: Position(HEAD - 3, "other"), "epoch"),
    "no id": (lambda: "garbage", "invalid"),
    "an empty id": (lambda: "", "invalid"),
    "an id with a line in it": (lambda: "0193\n" + "0" * 31, "invalid"),
    "an id of 10 kB": (lambda: "a" * 10_240, "invalid"),
    "a number below 0": (lambda: Position(-1, epoch()), "invalid"),
    "a number without end": (lambda: Position(2**80, epoch()), "invalid"),
}


@both
@pytest.mark.parametrize("case", GIVEN)
@pytest.mark.usefixtures("log")
def test_what_was_missed_comes_whole_and_in_order(case, source):
    place, count = GIVEN[case]
    found, side = recovered(["all"], place(), source=source)
    assert isinstance(found, Recovered)
    assert [fact.position for fact in found.messages] == list(range(HEAD - count + 1, HEAD + 1))
    assert [fact.id for fact in found.messages] == [
        fact_id(position) for position in range(HEAD - count + 1, HEAD + 1)
    ]
    assert found.head == (HEAD, epoch())
    if source == "memory":
        assert side.queries == 0


@both
@pytest.mark.parametrize("case", LOST)
@pytest.mark.usefixtures("log")
def test_what_cannot_be_known_is_said(case, source, monkeypatch):
    monkeypatch.setattr("apps.realtime.recovery.AHEAD_WAIT_S", 0.05)
    place, reason = LOST[case]
    found, _ = recovered(["all"], place(), source=source)
    assert found == Lost(
        reason=reason,
        head=Position(HEAD, epoch()),
        newest_id=fact_id(HEAD) if source == "memory" else None,
    )


@both
@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("limit", [300, 999])
def test_more_than_the_limit_is_too_many(limit, source):
    found, _ = recovered(["all"], Position(HEAD - limit, epoch()), limit, source=source)
    assert isinstance(found, Recovered)
    found, _ = recovered(["all"], Position(HEAD - limit - 1, epoch()), limit, source=source)
    assert isinstance(found, Lost)
    assert found.reason == "too_many"


@both
@pytest.mark.usefixtures("log")
def test_each_fact_comes_once_and_only_from_the_rooms_that_were_asked(source):
    for rooms in (["odd"], ["even", "all"], ["nobody"], []):
        found, _ = recovered(rooms, Position(HEAD - 20, epoch()), source=source)
        wanted = [p for p in range(HEAD - 19, HEAD + 1) if set(rooms) & set(rooms_at(p))]
        assert [fact.position for fact in found.messages] == wanted


@both
def test_an_empty_log(source):
    found, _ = recovered(["all"], None, source=source)
    assert found == Recovered(messages=[], head=Position(0, epoch()))
    found, _ = recovered(["all"], Position(0, epoch()), source=source)
    assert found == Recovered(messages=[], head=Position(0, epoch()))
    found, _ = recovered(["all"], fact_id(3), source=source)
    assert found.reason == "unknown"


def test_what_came_while_the_log_was_read_comes_too():
    write_log(OLDEST, HEAD)
    grown: list[bool] = []

    def grow(side):
        read = side.call

        async def slow_read(wanted):
            answer = await read(wanted)
            if not grown:
                grown.append(True)
                await asyncio.to_thread(_in_thread, lambda: write_log(HEAD + 1, HEAD + 50))
                await side.follower.catch_up()
            return answer

        side.call = slow_read

    found, _ = recovered(["all"], Position(HEAD - 9, epoch()), source="log", meanwhile=grow)
    assert [fact.position for fact in found.messages] == list(range(HEAD - 8, HEAD + 51))


def _in_thread(work):
    try:
        work()
    finally:
        connection.close()


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(("source", "queries"), [("memory", 0), ("log", 1)])
def test_many_at_once_ask_the_log_once_and_memory_first(source, queries):
    async def run() -> Any:
        side = Side()
        await side.follower.start()
        if source == "log":
            side.forget()
        place = Position(HEAD - 100, side.window.epoch)
        found = await asyncio.gather(
            *(side.recovery.recover(["all"], place, 300) for _ in range(1000))
        )
        await side.follower.stop()
        side.recovery.stop()
        return found, side.queries

    found, asked = asyncio.run(run())
    assert asked == queries
    assert all(len(each.messages) == 100 for each in found)


@pytest.mark.usefixtures("log")
def test_an_id_from_before_a_restore_goes_on_a_position_does_not():
    before = epoch()
    set_epoch("after", floor=HEAD)
    write_log(HEAD + 1, HEAD + 2)
    found, _ = recovered(["all"], fact_id(HEAD - 1))
    assert [fact.position for fact in found.messages] == [HEAD, HEAD + 1, HEAD + 2]
    found, _ = recovered(["all"], Position(HEAD - 1, before))
    assert found.reason == "epoch"


@pytest.mark.usefixtures("log")
def test_a_client_that_is_ahead_is_waited_for(monkeypatch):
    async def run() -> Any:
        side = Side()
        await side.follower.start()
        await asyncio.to_thread(_in_thread, lambda: write_log(HEAD + 1, HEAD + 3))
        found = await side.recovery.recover(["all"], fact_id(HEAD + 2), 300)
        await side.follower.stop()
        side.recovery.stop()
        return found

    found = asyncio.run(run())
    assert [fact.position for fact in found.messages] == [HEAD + 3]


@both
@pytest.mark.usefixtures("log")
def test_a_log_that_is_away_has_lost_nothing(source):
    """Memory answers what it holds; for the rest the client is asked to come again."""

    def break_it(side: Side) -> None:
        side.is_away = True

    place = Position(HEAD - 5, epoch())
    if source == "memory":
        found, _ = recovered(["all"], place, source=source, meanwhile=break_it)
        assert isinstance(found, Recovered)
        assert len(found.messages) == 5
    else:
        with pytest.raises(LogUnavailableError):
            recovered(["all"], place, source=source, meanwhile=break_it)
