"""P16: what is old goes, the head and what somebody still needs stays."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from apps.events import retention, selectors
from apps.events.models import DeadLetter, Delivery, LoggedFact
from tests.apps.events.handlers import handler, plan, run_due
from tests.apps.events.rig import change, eventually, move, outbox_is_empty, relay_thread
from tests.apps.events.test_relay import execute, partitions

pytestmark = pytest.mark.django_db(transaction=True)

WEEK_S = 604_800


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
