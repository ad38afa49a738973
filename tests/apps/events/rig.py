"""Facts, relays and a checker for the tests of the road from outbox to log."""

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.events import services
from apps.events.models import LoggedFact, OutboxFact
from apps.events.relay import Pace, Relay
from apps.events.types import Fact, Subject
from tests.patience import PATIENCE_S


@dataclass(frozen=True, kw_only=True)
class ThingChanged(Fact):
    """What the tests publish."""

    name: ClassVar[str] = "thing.changed"
    about: ClassVar[str] = "A thing has changed."
    rooms: ClassVar[tuple[str, ...]] = ("thing:{id}", "user:{id}", "public")
    example: ClassVar = {"step": 1}

    step: int


def change(*, thing: int = 1, step: int = 1, hold_s: float = 0) -> UUID:
    """One transaction that reports one change, and is held open for a while."""
    with transaction.atomic():
        fact_id = services.publish(
            ThingChanged(step=step),
            subject=Subject(type="thing", id=str(thing)),
            rooms=[f"thing:{thing}"],
        )
        time.sleep(hold_s)
    return fact_id


def eventually(holds: Callable[[], object]) -> None:
    """Wait until it holds, or fail after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def outbox_is_empty() -> bool:
    return not OutboxFact.objects.exists()


def in_threads(jobs: Iterable[Callable[[], UUID]], *, threads: int) -> list[UUID]:
    """Run the jobs, each thread on a database connection of its own; returns their results."""
    all_there = threading.Barrier(threads)

    def leave(_: int) -> None:
        all_there.wait(PATIENCE_S)
        connection.close()

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(lambda job: job(), jobs))
        list(pool.map(leave, range(threads)))
    return results


def move() -> None:
    """What a relay does, once, in the test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_move(500, 0)")


@contextmanager
def relay_thread(*, partition_size: int = 1_000_000, batch: int = 500) -> Iterator[Relay]:
    """A relay inside this process."""
    relay = Relay(pace=Pace(batch=batch, poll_s=0.002, partition_size=partition_size))
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join()


def database_url() -> str:
    """The database of this test, for other processes."""
    at = connection.settings_dict
    login = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    return f"postgres://{login}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"


def start_relay(log: int | None = None) -> subprocess.Popen[bytes]:
    """`manage.py relay` on the database of this test."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "relay"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
    )


def faults_of_the_log(*, committed: Iterable[UUID], floor: int = 0) -> list[str]:
    """What is wrong with the log, given all that was committed; empty when nothing is."""
    rows = list(LoggedFact.objects.order_by("position"))
    ids = [row.event_id for row in rows]
    known = set(committed)
    faults = []
    if lost := known - set(ids):
        faults.append(f"lost {len(lost)}")
    if unexpected := set(ids) - known:
        faults.append(f"unexpected {len(unexpected)}")
    if len(ids) != len(set(ids)):
        faults.append("duplicates")
    if [row.position for row in rows] != list(range(floor + 1, floor + 1 + len(rows))):
        faults.append("positions are not dense")
    steps = defaultdict(list)
    for row in rows:
        steps[row.aggregateid].append(row.payload["step"])
    if any(seen != sorted(seen) for seen in steps.values()):
        faults.append("steps of a thing are out of order")
    return faults
