"""P21, P44: a periodic task goes out once, whatever beats run, and whatever their clocks say."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.schedules import crontab, schedule
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from kombu import Connection

from tests.apps.events.rig import database_url, eventually
from veza.kit.beat import SharedEntry, SharedScheduler
from veza.kit.models import PeriodicRun

pytestmark = pytest.mark.django_db(transaction=True)

TASK = "test.tick"
PERIOD = timedelta(seconds=1)
HOUR_S, DAY_S = 3600, 86400
_LEDGER = """
CREATE TABLE beat_run (ran_at timestamptz);
CREATE FUNCTION beat_ran() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO beat_run VALUES (NEW.ran_at); RETURN NULL; END $$;
CREATE TRIGGER beat_ran AFTER UPDATE ON kit_periodicrun FOR EACH ROW
WHEN (NEW.name = 'tick') EXECUTE FUNCTION beat_ran();
"""
_NO_LEDGER = "DROP TRIGGER beat_ran ON kit_periodicrun; DROP FUNCTION beat_ran; DROP TABLE beat_run"


@pytest.fixture(autouse=True)
def _ledger() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER)
    yield
    with connection.cursor() as cursor:
        cursor.execute(_NO_LEDGER)


@pytest.fixture
def queue() -> Iterator[str]:
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set. Run `make test`.")
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with Connection(settings.REDIS_URL) as link:
        channel: Any = link.default_channel
        channel.queue_delete(name)


@pytest.fixture
def start(queue: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a beat as an operator would, with its clock ahead by some seconds."""
    with ExitStack() as stack:

        def beat(*, ahead_s: int = 0) -> subprocess.Popen[bytes]:
            env = os.environ | {
                "TEST_QUEUE": queue,
                "TEST_CLOCK_AHEAD_S": str(ahead_s),
                "AMQP_URL": "",
                "DATABASE_URL": database_url(),
                "DJANGO_SETTINGS_MODULE": "tests.faults.beating",
                "VEZA_ROLE": "beat",
            }
            with (tmp_path / "beat.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "manage.py", "beat"],
                    cwd=settings.BASE_DIR, env=env, stdout=log, stderr=subprocess.STDOUT,
                )  # fmt: skip
            stack.callback(_end, process)
            return process

        yield beat


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def tick(queue: str) -> PeriodicTask:
    """A task that is due every second, as an operator adds one in the admin."""
    every = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    return PeriodicTask.objects.create(name="tick", task=TASK, interval=every, queue=queue)


def runs() -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ran_at FROM beat_run ORDER BY ran_at")
        return [ran_at for (ran_at,) in cursor.fetchall()]


def sent(queue: str) -> int:
    """How often the task stands in the queue, which has those of our own timetable, too."""
    with Connection(settings.REDIS_URL) as link:
        channel: Any = link.default_channel
        messages = [json.loads(each) for each in channel.client.lrange(queue, 0, -1)]
    return sum(each["headers"]["task"] == TASK for each in messages)


def further_runs(number: int) -> None:
    seen = len(runs())
    eventually(lambda: len(runs()) >= seen + number)


@pytest.mark.parametrize("ahead_s", [0, HOUR_S, -DAY_S])
def test_two_beats_send_a_task_once(
    start: Callable[..., subprocess.Popen[bytes]], tick: PeriodicTask, queue: str, ahead_s: int
) -> None:
    first, second = start(), start(ahead_s=ahead_s)
    further_runs(2)

    first.send_signal(signal.SIGSTOP)
    further_runs(2)
    first.send_signal(signal.SIGCONT)
    further_runs(1)
    first.kill()
    further_runs(1)
    third = start()
    further_runs(2)
    for beat in (second, third):
        _end(beat)

    times = runs()
    assert all(later - earlier >= PERIOD for earlier, later in pairwise(times))
    # A beat that was killed between message and commit has sent what it did not write down.
    assert len(times) <= sent(queue) <= len(times) + 3


class TestDue:
    """Which run is due, by the clock of the database alone."""

    @pytest.fixture
    def entry(self) -> SharedEntry:
        daily = CrontabSchedule.from_schedule(crontab(hour="3", minute="41"))
        daily.save()
        row = PeriodicTask.objects.create(name="daily", task=TASK, crontab=daily)
        return SharedEntry(row, app=Celery("test", broker="memory://", set_as_current=False))

    def test_a_task_that_is_new_waits_for_its_next_time(self, entry: SharedEntry) -> None:
        assert not entry.is_due().is_due
        assert PeriodicRun.objects.get().name == "daily"

    def test_what_was_missed_for_weeks_is_sent_once(self, entry: SharedEntry) -> None:
        PeriodicRun.objects.create(name="daily", ran_at=timezone.now() - timedelta(days=30))
        scheduler = SharedScheduler(app=entry.app, lazy=True)
        assert entry.is_due().is_due

        assert scheduler.apply_async(entry, advance=False) is not None
        assert scheduler.apply_async(entry, advance=False) is None
        assert not entry.is_due().is_due

    def test_what_could_not_be_sent_is_still_due(
        self, entry: SharedEntry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PeriodicRun.objects.create(name="daily", ran_at=timezone.now() - timedelta(days=1, hours=1))
        scheduler = SharedScheduler(app=entry.app, lazy=True)

        def refuse(*_: Any, **__: Any) -> None:
            raise ConnectionError

        monkeypatch.setattr(scheduler, "send_task", refuse)
        with pytest.raises(Exception, match="Couldn't apply scheduled task"):
            scheduler.apply_async(entry, advance=False)

        assert entry.is_due().is_due

    def test_one_that_stands_still_while_it_sends_loses_the_run(
        self, entry: SharedEntry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PeriodicRun.objects.create(name="daily", ran_at=timezone.now() - timedelta(days=30))
        scheduler = SharedScheduler(app=entry.app, lazy=True)
        limits: list[str] = []

        def look(*_: Any, **__: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SHOW idle_in_transaction_session_timeout")
                limits.append(cursor.fetchone()[0])

        monkeypatch.setattr(scheduler, "send_task", look)
        scheduler.apply_async(entry, advance=False)

        assert limits == ["30s"]

    def test_an_interval_is_over_when_it_is_over(self, entry: SharedEntry) -> None:
        entry.schedule = schedule(run_every=PERIOD)
        PeriodicRun.objects.create(name="daily", ran_at=timezone.now() - PERIOD)
        assert entry.is_due().is_due
