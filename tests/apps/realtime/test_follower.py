"""Whatever becomes of hints, everything in the log is handed out once and in order."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.events.selectors import list_envelopes
from apps.realtime import follower as followers
from apps.realtime import watchers
from apps.realtime.follower import Follower
from apps.realtime.hub import Hub
from apps.realtime.log_reader import LogReader
from apps.realtime.window import Window
from tests.apps.realtime.fakes import Clock, Member
from tests.apps.realtime.log import epoch, set_epoch, write_log
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _epoch_stays(transactional_db):
    before = epoch()
    yield
    set_epoch(before, floor=0)


class Side:
    """A follower with one listener to the room `all`."""

    def __init__(self) -> None:
        clock = Clock()
        self.window = Window()
        self.hub = Hub(clock=clock, soon=clock.soon)
        self.listener = Member()
        self.hub.join("all", self.listener)
        self.resets: list[str] = []
        self.reads = 0
        self.failures = 0
        self.after_next_read: Callable[[Any], Awaitable[None]] | None = None
        self._reader = LogReader(name="follower")
        self.follower = Follower(
            hub=self.hub, window=self.window, reader=self, on_reset=self.resets.append
        )

    async def call(self, read: Callable[[], Any]) -> Any:
        self.reads += 1
        if self.failures:
            self.failures -= 1
            raise OperationalError("the server is away")
        answer = await self._reader.call(read)
        if after := self.after_next_read:
            self.after_next_read = None
            await after(answer)
        return answer

    def stop(self) -> None:
        self._reader.stop()

    @property
    def heard(self) -> list[int]:
        self.hub.flush()
        return [int(line.rsplit(" ", 1)[1]) for line in self.listener.lines]

    async def write(self, first: int, last: int) -> list[dict[str, Any]]:
        """Facts in the log; the rows of a hint of them."""

        def work() -> list[dict[str, Any]]:
            try:
                write_log(first, last)
                return [each.as_wire() for each in list_envelopes(after=first - 1, limit=1000)]
            finally:
                connection.close()

        return await asyncio.to_thread(work)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.005)


def hint(rows, *, with_rows: bool = True):
    return {
        "type": "veza.facts", "first": rows[0]["position"], "last": rows[-1]["position"],
        "epoch": rows[0]["epoch"], "rows": rows if with_rows else [],
    }  # fmt: skip


def followed(scene: Callable[[Side], Any]) -> None:
    """Run the scene with a follower."""

    async def run() -> None:
        side = Side()
        await side.follower.start()
        try:
            await scene(side)
        finally:
            await side.follower.stop()

    asyncio.run(run())


@pytest.fixture
def _no_polls(monkeypatch):
    for name in ("POLL_S", "IDLE_POLL_S", "SILENCE_S"):
        monkeypatch.setattr(followers, name, 60.0)


def test_without_hints_the_log_is_read():
    async def scene(side):
        for first in range(1, 200, 20):
            await side.write(first, first + 19)
        await side.until(lambda: side.window.head == 200)
        assert side.heard == list(range(1, 201))

    followed(scene)


def test_what_was_there_before_is_history_and_no_news():
    write_log(101, 300)

    async def scene(side):
        assert (side.window.floor, side.window.head) == (100, 300)
        assert side.heard == []
        await side.write(301, 303)
        await side.until(lambda: side.window.head == 303)
        assert side.heard == [301, 302, 303]

    followed(scene)


def test_what_comes_while_history_is_read_is_news():
    write_log(1, 30)

    async def scene() -> None:
        side = Side()

        async def meanwhile(_: Any) -> None:
            await side.write(31, 33)

        side.after_next_read = meanwhile
        await side.follower.start()
        try:
            await side.until(lambda: side.heard == [31, 32, 33])
            assert [side.window.floor, side.window.head] == [0, 33]
        finally:
            await side.follower.stop()

    asyncio.run(scene())


@pytest.mark.usefixtures("_no_polls")
def test_a_hint_that_continues_costs_no_query():
    async def scene(side):
        reads = side.reads
        for first in range(1, 100, 10):
            side.follower.hint(hint(await side.write(first, first + 9)))
        assert side.heard == list(range(1, 101))
        assert side.reads == reads

    followed(scene)


def test_a_relay_that_lives_spares_the_log():
    """While it says that there is nothing new, the log is read as seldom as after a hint. That
    nothing is done shows only while time passes, in which it would be done many times.
    """

    async def scene(side):
        [row] = await side.write(1, 1)
        await side.until(lambda: side.window.head == 1)
        nothing_new = hint([row]) | {"first": 2, "rows": []}
        side.follower.hint(nothing_new)
        await asyncio.sleep(2 * followers.POLL_S)  # the look that was under way
        reads, began = side.reads, time.monotonic()
        for _ in range(20):
            side.follower.hint(nothing_new)
            await asyncio.sleep(2 * followers.POLL_S)
        seconds = time.monotonic() - began
        assert side.reads - reads <= 1 + seconds / followers.SILENCE_S

    followed(scene)


@pytest.mark.usefixtures("_no_polls")
def test_a_relay_that_is_ahead_makes_the_log_be_read():
    async def scene(side):
        [row] = await side.write(1, 1)
        side.follower.hint(hint([row]) | {"first": 2, "rows": []})
        await side.until(lambda: side.heard == [1])

    followed(scene)


@pytest.mark.usefixtures("_no_polls")
@pytest.mark.parametrize("seed", range(5))
def test_lost_doubled_late_and_empty_hints(seed):
    chance = random.Random(seed)

    async def scene(side):
        hints = []
        for first in range(1, 200, 4):
            rows = await side.write(first, first + 3)
            hints += [hint(rows, with_rows=chance.random() < 0.7)] * chance.choice([0, 1, 1, 2])
            if chance.random() < 0.5:
                early = chance.choice(hints) if hints else {}
                side.follower.hint(early)
        chance.shuffle(hints)
        for each in hints:
            side.follower.hint(each)
            if chance.random() < 0.2:
                await asyncio.sleep(0)
        side.follower.nudge()
        await side.until(lambda: side.window.head == 200)
        assert side.heard == list(range(1, 201))

    followed(scene)


@pytest.mark.usefixtures("_no_polls")
def test_senseless_hints_only_make_it_look():
    async def scene(side):
        await side.write(1, 3)
        for senseless in ({}, {"first": "x", "last": None, "epoch": side.window.epoch}):
            side.follower.hint(senseless)
        await side.until(lambda: side.heard == [1, 2, 3])

    followed(scene)


@pytest.mark.usefixtures("_no_polls")
def test_a_hint_of_another_epoch_is_not_believed():
    async def scene(side):
        rows = await side.write(1, 3)
        side.follower.hint(hint(rows) | {"epoch": "other"})
        await side.until(lambda: side.heard == [1, 2, 3])
        assert side.resets == []

    followed(scene)


def test_an_outage_is_told_once_and_healed(caplog):
    async def scene(side):
        side.failures = 4
        await side.write(1, 5)
        await side.until(lambda: side.heard == [1, 2, 3, 4, 5] and "recovered" in caplog.text)

    followed(scene)
    told = [record.message for record in caplog.records if "follower" in record.message]
    assert [line.split()[0] for line in told] == ["follower_interrupted", "follower_recovered"]


def test_a_cut_connection_is_made_again():
    connection.close()  # the test's own is not to be cut

    async def scene(side):
        await side.write(1, 2)
        await side.until(lambda: side.window.head == 2)
        await asyncio.to_thread(_cut_other_sessions)
        await side.write(3, 4)
        await side.until(lambda: side.heard == [1, 2, 3, 4])

    followed(scene)


def _cut_other_sessions():
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND query LIKE '%%events_%%'"
            )
    finally:
        connection.close()


def test_a_new_epoch_is_told_to_all_and_followed():
    write_log(1, 10)

    async def scene(side):
        def restore():
            try:
                set_epoch("restored", floor=10)
                write_log(11, 12)
            finally:
                connection.close()

        await asyncio.to_thread(restore)
        await side.until(lambda: (side.window.epoch, side.window.head) == ("restored", 12))
        assert side.resets == ["epoch"]
        await side.write(13, 14)
        await side.until(lambda: side.window.head == 14)
        assert side.heard[-2:] == [13, 14]

    followed(scene)


def test_what_a_log_begins_with_is_news_to_those_who_came_before_it():
    set_epoch("", floor=0)

    async def scene(side):
        def begin():
            try:
                set_epoch("first", floor=0)
                write_log(1, 3)
            finally:
                connection.close()

        await asyncio.to_thread(begin)
        await side.until(lambda: side.window.head == 3)
        assert side.window.epoch == "first"
        assert side.heard == [1, 2, 3]
        assert side.resets == []

    followed(scene)


@pytest.mark.usefixtures("_no_polls")
def test_hints_that_overtake_a_read_mean_no_loss():
    """The bounds that were read are older then than the head."""

    async def scene(side):
        async def hinted(answer):
            side.follower.hint(hint(await side.write(1, 3)))

        await side.follower.catch_up()
        side.after_next_read = hinted
        await side.follower.catch_up()
        assert side.heard == [1, 2, 3]
        assert side.resets == []

    followed(scene)


def test_a_loss_is_told_also_when_the_log_fails_just_then():
    write_log(1, 10)

    async def scene(side):
        async def fail(answer):
            bounds = answer[0]
            if bounds.epoch == "restored":
                side.failures = 2
            else:
                side.after_next_read = fail

        def restore():
            try:
                set_epoch("restored", floor=10)
                write_log(11, 12)
            finally:
                connection.close()

        side.after_next_read = fail
        await asyncio.to_thread(restore)
        await side.until(lambda: side.resets)
        assert side.resets == ["epoch"]

    followed(scene)


def test_watchers_see_facts_and_their_failures_harm_nobody(monkeypatch):
    monkeypatch.setattr(watchers, "_watchers", {})
    seen = []

    def fail(fact):
        raise ValueError

    watchers.watch_facts("thing.changed", fail)
    watchers.watch_facts("thing.changed", lambda fact: seen.append(fact.position))

    async def scene(side):
        await side.write(1, 3)
        await side.until(lambda: side.window.head == 3)
        assert seen == [1, 2, 3]

    followed(scene)
