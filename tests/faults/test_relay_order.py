"""P2, P3: what commits late is not lost, positions are dense, a subject's facts stay in order."""

import random
import threading
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.events import registry, services
from apps.events.models import LoggedFact, OutboxFact
from apps.events.types import Subject
from tests.apps.events.rig import (
    ThingChanged,
    change,
    eventually,
    faults_of_the_log,
    in_threads,
    outbox_is_empty,
    relay_thread,
)
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 16
CHANGES_OF_A_WRITER = 500
THINGS = 40


@pytest.fixture(autouse=True)
def _thing_changed_is_registered() -> Iterator[None]:
    with registry.including(ThingChanged):
        yield


class LateCommit:
    """A transaction that has published, and commits when it is told to."""

    def __init__(self) -> None:
        self._published = threading.Event()
        self._may_commit = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._published.wait(PATIENCE_S)

    def commit(self) -> None:
        self._may_commit.set()
        self._thread.join()

    def _run(self) -> None:
        with transaction.atomic():
            self.fact_id = services.publish(
                ThingChanged(step=1), subject=Subject(type="thing", id="late")
            )
            self._published.set()
            assert self._may_commit.wait(PATIENCE_S)
        connection.close()


def test_a_fact_that_commits_after_a_later_one_is_not_skipped() -> None:
    with relay_thread():
        late = LateCommit()
        early_id = change()
        eventually(lambda: LoggedFact.objects.filter(event_id=early_id).exists())
        late.commit()
        eventually(lambda: LoggedFact.objects.count() == 2)
    first, second = LoggedFact.objects.order_by("position")
    assert (first.event_id, second.event_id) == (early_id, late.fact_id)
    assert first.seq > second.seq
    assert faults_of_the_log(committed=[early_id, late.fact_id]) == []


def test_the_same_case_defeats_a_reader_that_remembers_the_last_number() -> None:
    """The case can fail: who reads `seq` above the last one seen loses the late fact."""

    def read(*, above: int) -> list[tuple[int, UUID]]:
        rows = OutboxFact.objects.filter(seq__gt=above).order_by("seq")
        return list(rows.values_list("seq", "event_id"))

    late = LateCommit()
    early_id = change()
    [(last, seen_first)] = read(above=0)
    late.commit()
    seen = [seen_first] + [fact_id for _, fact_id in read(above=last)]
    assert seen == [early_id]
    assert OutboxFact.objects.count() == 2


@pytest.fixture
def _things() -> Iterator[None]:
    """Rows to lock, as a service locks what it changes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE faults_thing (id int PRIMARY KEY, step int NOT NULL)")
        cursor.execute(
            "INSERT INTO faults_thing SELECT n, 0 FROM generate_series(1, %s) n", [THINGS]
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE faults_thing")


def _change_in_turn(*, thing: int, hold_s: float) -> UUID:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE faults_thing SET step = step + 1 WHERE id = %s RETURNING step", [thing]
            )
            (step,) = cursor.fetchone()
        return change(thing=thing, step=step, hold_s=hold_s)


@pytest.mark.usefixtures("_things")
def test_sixteen_writers_lose_nothing_and_keep_the_order_of_each_thing() -> None:
    chance = random.Random(0)
    jobs = [
        partial(
            _change_in_turn,
            thing=chance.randint(1, THINGS),
            hold_s=0.05 if chance.random() < 0.02 else 0,
        )
        for _ in range(WRITERS * CHANGES_OF_A_WRITER)
    ]
    with relay_thread(), relay_thread(batch=50):
        committed = in_threads(jobs, threads=WRITERS)
        eventually(outbox_is_empty)
    assert faults_of_the_log(committed=committed) == []


class TestTheCheckerItself:
    """Each fault that it looks for is made by hand, and found."""

    @pytest.fixture
    def committed(self) -> list[UUID]:
        with relay_thread():
            committed = [change(step=step) for step in range(1, 6)]
            eventually(outbox_is_empty)
        return committed

    def test_finds_nothing_wrong_with_a_good_log(self, committed: list[UUID]) -> None:
        assert faults_of_the_log(committed=committed) == []

    @pytest.mark.parametrize(
        ("sabotage", "fault"),
        [
            ("DELETE FROM events_log WHERE position = 3", "lost 1"),
            ("UPDATE events_log SET id = gen_random_uuid() WHERE position = 3", "unexpected 1"),
            (
                "UPDATE events_log SET id = (SELECT id FROM events_log WHERE position = 1)"
                " WHERE position = 3",
                "duplicates",
            ),
            (
                "UPDATE events_log SET position = 9 WHERE position = 5",
                "positions are not dense",
            ),
            (
                "UPDATE events_log SET payload = '{\"step\": 4}' WHERE position = 2",
                "steps of a thing are out of order",
            ),
        ],
    )
    def test_finds(self, committed: list[UUID], sabotage: str, fault: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sabotage)
        assert fault in faults_of_the_log(committed=committed)
