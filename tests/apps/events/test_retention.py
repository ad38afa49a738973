"""P16: what is old goes, the head and what somebody still needs stays."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from apps.auth.services import audit
from apps.auth.types import AuditAction
from apps.events import retention, selectors
from apps.events.models import DeadLetter, Delivery, LoggedFact
from apps.events.sessions import session
from apps.realtime.logs import FactLog, LostError
from tests.apps.events.handlers import handler, plan, run_due
from tests.apps.events.rig import change, eventually, move, outbox_is_empty, relay_thread
from tests.apps.events.test_relay import execute, partitions
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.waiting import say
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)

WEEK_S = 604_800
PARTITION = 200
THINGS = 4
ROOMS = [f"thing:{thing}" for thing in range(THINGS)]
FACTS = {"small": 2_000, "medium": 20_000, "large": 100_000}[SIZE.name]
WITHIN_S = 2 * PATIENCE_S + FACTS / 50


@pytest.fixture
def floor() -> Iterator[int]:
    """The log is empty, and partitions of 20 positions begin soon."""
    execute("SELECT events_log_extend(1, 1)")
    before = partitions()
    floor = before[-1][1] + 1_000_000 - 11
    execute("UPDATE events_epoch SET floor = %s", floor)
    yield floor
    execute("UPDATE events_epoch SET floor = 0")
    for name, _ in partitions():
        execute(f"DROP TABLE {name}")
    execute("SELECT events_log_extend(2000000, 1000000)")


def fill(facts: int) -> None:
    with relay_thread(partition_size=20, batch=10):
        for step in range(facts):
            change(step=step)
        eventually(outbox_is_empty)


def age(*, first: int, last: int, by_s: int = WEEK_S + 60) -> None:
    execute(
        "UPDATE events_log SET occurred_at = occurred_at - make_interval(secs => %s)"
        " WHERE position BETWEEN %s AND %s", by_s, first, last,
    )  # fmt: skip


def oldest() -> int:
    return selectors.log_bounds().oldest


class TestPartitions:
    def test_are_made_while_an_entry_of_the_audit_log_is_sealed(self) -> None:
        with session("relay") as relay, transaction.atomic():
            audit.record(AuditAction.LOGIN_FAILED)
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            relay.execute("SELECT events_log_extend(1, 1)")

    def test_go_when_their_youngest_fact_is_too_old(self, floor: int) -> None:
        fill(60)
        age(first=floor + 1, last=floor + 40)
        retention.trim()
        assert oldest() == floor + 31
        assert LoggedFact.objects.count() == 30
        retention.trim()
        assert oldest() == floor + 31

    def test_stay_as_long_as_one_fact_is_young(self, floor: int) -> None:
        fill(40)
        age(first=floor + 1, last=floor + 9)
        retention.trim()
        assert LoggedFact.objects.count() == 40

    def test_stay_when_they_hold_the_head(self, floor: int) -> None:
        fill(25)
        age(first=floor + 1, last=floor + 25)
        retention.trim()
        assert oldest() == floor + 11
        assert selectors.log_head() == floor + 25

    def test_stay_until_every_handler_has_taken_and_done_its_facts(self, floor: int) -> None:
        with handler(lambda fact, envelope: None):
            fill(60)
            age(first=floor + 1, last=floor + 60)
            retention.trim()
            assert oldest() == floor + 1
            plan()
            retention.trim()
            assert oldest() == floor + 1
            run_due()
            retention.trim()
        assert oldest() == floor + 51

    def test_are_dropped_while_somebody_reads(self, floor: int) -> None:
        """A reader in a long transaction sees what he saw; the relay goes on meanwhile."""
        fill(60)
        age(first=floor + 1, last=floor + 40)
        reader = connection.copy()
        try:
            reader.set_autocommit(False)
            with reader.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM events_log")
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(retention, "DETACH_WITHIN_S", 1)
                    assert retention.trim() == []
                cursor.execute("SELECT count(*) FROM events_log")
                assert cursor.fetchone() == (60,)
        finally:
            reader.rollback()
            reader.close()
        retention.trim()
        assert oldest() == floor + 31
        fill(5)
        assert selectors.log_head() == floor + 65


class TestUnderLoad:
    """Facts come without end, and everybody reads: the log stays small, and who reads is given all
    that he missed, or is told that it is gone.
    """

    @pytest.fixture
    def writing(self, floor: int) -> Iterator[None]:
        """Facts as fast as they can be committed and moved."""
        done = threading.Event()

        def write(thing: int) -> None:
            step = 0
            while not done.is_set():
                step += 1
                change(thing=thing, step=step)
            connection.close()

        threads = [threading.Thread(target=write, args=[thing]) for thing in range(THINGS)]
        with relay_thread(partition_size=PARTITION, batch=50):
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                done.set()
                for thread in threads:
                    thread.join()

    @pytest.mark.usefixtures("writing")
    def test_is_bounded_and_takes_nothing_from_under_a_reader(
        self, floor: int, settings: Any
    ) -> None:
        settings.EVENT_LOG_RETENTION_S = 1
        done = threading.Event()
        quick, slow = (Reader(after=floor, pause_s=pause_s) for pause_s in (0.0, 4.0))
        readers = [threading.Thread(target=each.run, args=[done]) for each in (quick, slow)]
        for thread in readers:
            thread.start()
        old: list[int] = []
        try:
            goal, deadline = selectors.log_head() + FACTS, time.monotonic() + WITHIN_S
            while selectors.log_head() < goal or not (slow.losses or slow.faults):
                assert time.monotonic() < deadline, "too few facts came, or nobody lost his place"
                now = timezone.now()
                retention.trim()
                old.append(_older_than(now - timedelta(seconds=1)))
        finally:
            done.set()
            for thread in readers:
                thread.join()
        say(
            f"{selectors.log_head() - floor} facts, {LoggedFact.objects.count()} left after"
            f" {len(old)} trims; at most {max(old)} were too old; quick lost his place"
            f" {quick.losses} times, slow {slow.losses} times"
        )
        assert oldest() > floor + FACTS // 2
        assert max(old) < 2 * PARTITION  # of the partition where the young begin
        for reader in (quick, slow):
            assert reader.faults == []
            assert reader.told > 0


class Reader:
    """Asks for what came since, goes away for a while, and comes back."""

    def __init__(self, *, after: int, pause_s: float) -> None:
        self.told = self.losses = 0
        self.faults: list[str] = []
        self._at = after
        self._is_here = True
        self._pause_s = pause_s

    def run(self, done: threading.Event) -> None:
        epoch = selectors.log_bounds().epoch
        while not done.wait(self._pause_s if self._is_here else 0):
            head = selectors.log_head()
            try:
                rows = FactLog().in_rooms(
                    ROOMS, after=self._at, through=head, limit=100_000, epoch=epoch
                )
            except LostError as lost:
                self._lost(lost.reason)
            else:
                self._take([row["position"] for row in rows], through=head)
        connection.close()

    def _lost(self, reason: str) -> None:
        """Only what is gone may be said to be gone; he goes on with what there is."""
        self.losses += 1
        self._is_here = False
        if reason != "expired" or oldest() <= self._at + 1:
            self.faults.append(f"{reason} at {self._at}, the oldest is {oldest()}")
        self._at = oldest() - 1

    def _take(self, positions: list[int], *, through: int) -> None:
        if positions != list(range(self._at + 1, through + 1)):
            self.faults.append(f"after {self._at} up to {through} came {len(positions)} facts")
        self.told += len(positions)
        self._at = through
        self._is_here = True


def _older_than(moment: datetime) -> int:
    return LoggedFact.objects.filter(occurred_at__lt=moment).count()


class TestRows:
    def test_of_deliveries_go_with_the_facts_and_what_is_owed_stays(self, settings: Any) -> None:
        with handler(lambda fact, envelope: None):
            for step in range(3):
                change(step=step)
            move()
            plan()
            run_due()
            change()
            move()
            plan()
            settings.EVENT_LOG_RETENTION_S = 0
            retention.trim()
            assert [row.state for row in Delivery.objects.all()] == ["waiting"]

    def test_of_dead_letters_stay_until_they_were_sent_again(self, settings: Any) -> None:
        settings.EVENT_LOG_RETENTION_S = 0
        for task in ("open", "sent"):
            DeadLetter.objects.create(queue="default", task=task, content={}, reason="", tries=1)
        execute("UPDATE events_dead_letter SET redriven_at = now() WHERE task = 'sent'")
        retention.trim()
        assert [letter.task for letter in DeadLetter.objects.all()] == ["open"]


class TestEpoch:
    def test_is_shown_and_bumped_and_positions_go_on(self) -> None:
        change()
        move()
        before = selectors.log_bounds()
        out = StringIO()
        call_command("events_epoch", stdout=out)
        assert before.epoch in out.getvalue()
        call_command("events_epoch", "--bump", stdout=out)
        after = selectors.log_bounds()
        assert after.epoch != before.epoch
        assert after.epoch in out.getvalue()
        change()
        move()
        assert selectors.log_head() == before.head + 1
        execute("UPDATE events_epoch SET floor = 0")
