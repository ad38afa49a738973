from collections.abc import Iterator

import pytest
from django.db import connection

from apps.events.models import LoggedFact
from apps.events.relay import WaterMark
from tests.apps.events.rig import (
    change,
    eventually,
    faults_of_the_log,
    outbox_is_empty,
    relay_thread,
)

PARTITIONS = """
SELECT c.relname, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''(\\d+)'))[1]::bigint
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'events_log'::regclass
 ORDER BY 2
"""


def partitions() -> list[tuple[str, int]]:
    """The partitions of the log and their first positions, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        return list(cursor.fetchall())


def execute(sql: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


class TestWaterMark:
    def test_rises_when_a_move_went_past_it_after_the_transactions_of_its_time(self) -> None:
        mark = WaterMark()
        mark.set(seq=10, next_xid=105)
        mark.moved(oldest_xid=104, through=None)
        assert (mark.low, mark.is_set) == (0, True)
        mark.moved(oldest_xid=105, through=None)
        assert (mark.low, mark.is_set) == (10, False)

    def test_waits_for_a_full_batch_to_go_past_it(self) -> None:
        mark = WaterMark()
        mark.set(seq=10, next_xid=105)
        mark.moved(oldest_xid=200, through=9)
        assert (mark.low, mark.is_set) == (0, True)
        mark.moved(oldest_xid=200, through=10)
        assert (mark.low, mark.is_set) == (10, False)

    def test_never_falls(self) -> None:
        mark = WaterMark()
        for seq in (50, 3):
            mark.set(seq=seq, next_xid=100)
            mark.moved(oldest_xid=100, through=None)
        assert mark.low == 50


@pytest.mark.django_db(transaction=True)
class TestPartitions:
    @pytest.fixture
    def near_the_end(self) -> Iterator[int]:
        """The log is empty and its next position is the 51st before the end of its partitions."""
        execute("SELECT events_log_extend(1, 1)")
        before = partitions()
        floor = before[-1][1] + 1_000_000 - 51
        execute("UPDATE events_epoch SET floor = %s", floor)
        yield floor
        execute("UPDATE events_epoch SET floor = 0")
        for name, first in partitions():
            if first > before[-1][1]:
                execute(f"DROP TABLE {name}")

    def test_roll_over_with_facts_dense_and_two_partitions_ahead(self, near_the_end: int) -> None:
        with relay_thread(partition_size=100, batch=30):
            committed = [change(step=step) for step in range(500)]
            eventually(outbox_is_empty)
        assert faults_of_the_log(committed=committed, floor=near_the_end) == []
        ahead = [first for _, first in partitions() if first > near_the_end + 500]
        assert len(ahead) >= 2

    def test_made_while_readers_hold_the_log(self, near_the_end: int) -> None:
        """A reader in a long transaction neither waits nor makes the relay wait."""
        reader = connection.copy()
        try:
            reader.set_autocommit(False)
            with reader.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM events_log")
                with relay_thread(partition_size=100, batch=30):
                    committed = [change(step=step) for step in range(200)]
                    eventually(outbox_is_empty)
                cursor.execute("SELECT count(*) FROM events_log")
                assert cursor.fetchone() == (200,)
        finally:
            reader.rollback()
            reader.close()
        assert faults_of_the_log(committed=committed, floor=near_the_end) == []

    def test_that_cannot_be_made_now_do_not_hold_up_the_facts(self, near_the_end: int) -> None:
        """Room for 51 facts is left; someone who locks the log against changes goes on."""
        owner = connection.copy()
        try:
            owner.set_autocommit(False)
            with owner.cursor() as cursor:
                cursor.execute("LOCK TABLE events_log IN SHARE UPDATE EXCLUSIVE MODE")
            with relay_thread(partition_size=100, batch=10):
                committed = [change(step=step) for step in range(40)]
                eventually(outbox_is_empty)
                owner.rollback()
                committed += [change(step=step) for step in range(40, 80)]
                eventually(outbox_is_empty)
        finally:
            owner.close()
        assert faults_of_the_log(committed=committed, floor=near_the_end) == []

    def test_of_two_relays_that_make_them_at_once(self, near_the_end: int) -> None:
        with relay_thread(partition_size=50, batch=10), relay_thread(partition_size=70, batch=10):
            committed = [change(step=step) for step in range(400)]
            eventually(outbox_is_empty)
        assert faults_of_the_log(committed=committed, floor=near_the_end) == []
        assert LoggedFact.objects.count() == 400
