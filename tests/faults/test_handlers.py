"""P17, P19: what handlers do for committed facts takes place once, whatever is killed meanwhile."""

import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from kombu import Connection

from apps.events import registry, selectors
from apps.events.models import DeadLetter, Delivery, HandlerCursor
from tests.apps.events.rig import database_url, eventually
from tests.faults.handling.jobs import (
    POISON,
    JobAsked,
    ask,
    drop_tables,
    execute,
    make_tables,
    waits_s,
)
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.waiting import say

pytestmark = pytest.mark.django_db(transaction=True)

Process = subprocess.Popen[bytes]
OVER = (Delivery.State.DONE, Delivery.State.DEAD)
VICTIMS = ("child", "relay", "worker", "crashing child")


@pytest.fixture(autouse=True)
def _jobs() -> Iterator[None]:
    make_tables()
    with registry.including(JobAsked):
        yield
    drop_tables()


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=pytest.mark.needs_rabbitmq)])
def broker(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of processes that share queues of their own in one of the brokers."""
    queue = f"test-{uuid.uuid4().hex}"
    url = os.environ.get("AMQP_URL", "") if request.param == "rabbitmq" else ""
    if not url and not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set. Run `make test`.")
    yield {
        "TEST_QUEUE": queue,
        "AMQP_URL": url,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.faults.handling.settings",
    }
    with Connection(url or settings.REDIS_URL) as link:
        channel: Any = link.default_channel
        channel.queue_delete(queue)
        if url:
            channel.queue_delete(f"{queue}.dead")
            channel.exchange_delete(f"{queue}.dlx")


class Platform:
    """A relay and a worker of this test, started as an operator would."""

    def __init__(self, broker: dict[str, str], stack: ExitStack, logs: Path) -> None:
        self._env = os.environ | broker
        self._queue = broker["TEST_QUEUE"]
        self._stack = stack
        self._logs = logs

    def relay(self) -> Process:
        return self._start("relay")

    def worker(self) -> Process:
        return self._start(
            "worker", "--queues", self._queue, "--concurrency", "2", "--name", uuid.uuid4().hex
        )

    def _start(self, *command: str) -> Process:
        with (self._logs / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=settings.BASE_DIR,
                env=self._env | {"VEZA_ROLE": command[0]},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._stack.callback(_end, process)
        return process


def _end(process: Process) -> None:
    process.kill()  # its children end with it
    process.wait()


@pytest.fixture
def platform(broker: dict[str, str], tmp_path: Path) -> Iterator[Platform]:
    with ExitStack() as stack:
        yield Platform(broker, stack, tmp_path)


def effects() -> Counter[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM handling_effect")
        return Counter(event_id for (event_id,) in cursor.fetchall())


def has_more_effects_than(number: int) -> bool:
    return effects().total() > number


def is_over(asked: list[UUID]) -> bool:
    rows = Delivery.objects.filter(event_id__in=asked, state__in=OVER)
    return rows.count() == len(asked)


def waiting_in(link: Connection, queue: str) -> int:
    """How many messages the broker itself holds. A delivery is `sent` a moment before that."""
    channel: Any = link.channel()  # of its own: RabbitMQ ends one that asks for what is not there
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except link.channel_errors:
        return 0
    finally:
        channel.close()


def ask_and_take_back() -> UUID:
    with transaction.atomic():
        asked = ask()
        transaction.set_rollback(True)
    return asked


def dead() -> set[UUID]:
    letters = DeadLetter.objects.filter(redriven_at__isnull=True)
    return {event_id for event_id in letters.values_list("event_id", flat=True) if event_id}


def relay_knows_the_handler() -> bool:
    return HandlerCursor.objects.exists()


def children_of(process: Process) -> list[int]:
    """Those in which a worker runs tasks."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, check=True)
    pairs = [line.split() for line in listing.stdout.splitlines()]
    return [int(pid) for pid, parent in pairs if int(parent) == process.pid]


def end_a_child(worker: Process, number: signal.Signals) -> None:
    os.kill(children_of(worker)[-1], number)


def test_killed_workers_and_relays_lose_and_repeat_no_effect(platform: Platform) -> None:
    relay, worker = platform.relay(), platform.worker()
    eventually(relay_knows_the_handler)
    asked: list[UUID] = []
    taken_back: list[UUID] = []
    for kill_next in islice(cycle(VICTIMS), max(len(VICTIMS), SIZE.kills)):
        for number in range(20):
            asked.append(ask("slow" if number % 5 == 0 else "good"))
            if number % 10 == 0:
                taken_back.append(ask_and_take_back())
        eventually(partial(has_more_effects_than, effects().total()))  # so that it hits one at work
        if kill_next == "relay":
            relay.kill()
            relay = platform.relay()
        elif kill_next == "worker":
            worker.kill()
            worker = platform.worker()
        else:
            end_a_child(worker, signal.SIGSEGV if kill_next == "crashing child" else signal.SIGKILL)
    eventually(lambda: is_over(asked))
    say(f"{len(asked)} jobs asked for, {effects().total()} effects, {len(taken_back)} taken back")
    assert effects() == Counter(asked)
    assert not effects().keys() & set(taken_back)
    assert dead() == set()
    assert selectors.dispatch_status().outstanding == 0


def test_poison_becomes_dead_letters_and_holds_nobody_up(platform: Platform) -> None:
    platform.relay()
    platform.worker()
    eventually(relay_knows_the_handler)
    first = ask()
    eventually(lambda: is_over([first]))  # the worker is there
    poison = {ask(kind): kind for kind in POISON}
    healthy = [ask() for _ in range(40)]
    eventually(lambda: is_over(healthy))
    median_s, most_s = waits_s(healthy)
    say(f"healthy jobs waited {median_s:.2f} s beside poison, p99 {most_s:.2f} s")
    assert not is_over([event_id for event_id, kind in poison.items() if kind == "hang"])
    eventually(lambda: dead() == set(poison))
    assert effects() == Counter([first, *healthy])
    letters = {letter.event_id: letter for letter in DeadLetter.objects.all()}
    for event_id, kind in poison.items():
        assert letters[event_id].tries == 5
        expected = {"raise": "ValueError: poison", "hang": "SoftTimeLimitExceeded"}
        assert expected.get(kind, "took its worker down") in letters[event_id].reason
    [raised] = [event_id for event_id, kind in poison.items() if kind == "raise"]
    assert 'raise ValueError("poison")' in letters[raised].traceback

    execute("INSERT INTO handling_repair DEFAULT VALUES")
    call_command("redrive", "--all")
    call_command("redrive", "--all")
    eventually(lambda: is_over([*poison]) and not dead())
    assert effects() == Counter([first, *healthy, *poison])


def test_a_broker_that_forgets_everything_costs_no_effect(
    platform: Platform, broker: dict[str, str]
) -> None:
    platform.relay()
    eventually(relay_knows_the_handler)
    asked = [ask() for _ in range(20)]
    with Connection(broker["AMQP_URL"] or settings.REDIS_URL) as link:
        eventually(lambda: waiting_in(link, broker["TEST_QUEUE"]) == len(asked))
        channel: Any = link.default_channel
        channel.queue_purge(broker["TEST_QUEUE"])
    platform.worker()
    eventually(lambda: is_over(asked))
    assert effects() == Counter(asked)


@pytest.mark.needs_rabbitmq
@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_task_that_kills_its_workers_becomes_a_dead_letter(
    platform: Platform, broker: dict[str, str]
) -> None:
    """Redis does not count deliveries; only those to handlers are counted there."""
    platform.relay()
    platform.worker()
    eventually(relay_knows_the_handler)
    healthy = ask()
    eventually(lambda: is_over([healthy]))  # the worker has declared its queue
    with Celery("sender", broker=broker["AMQP_URL"], set_as_current=False) as sender:
        sender.send_task(
            "handling.die", kwargs={"number": 7}, exchange="veza.tasks",
            routing_key=broker["TEST_QUEUE"], declare=[],
        )  # fmt: skip
    eventually(lambda: DeadLetter.objects.filter(task="handling.die").exists())
    letter = DeadLetter.objects.get()
    assert letter.content == {"args": [], "kwargs": {"number": 7}}
    assert letter.queue == broker["TEST_QUEUE"]
    assert "no worker survived it" in letter.reason


class TestTheLedgerItself:
    """Each fault that it looks for is made by hand, and found."""

    @pytest.mark.parametrize(
        ("sabotage", "is_right"),
        [
            ("SELECT 1", True),
            ("DELETE FROM handling_effect WHERE event_id = %s", False),
            ("INSERT INTO handling_effect (event_id) VALUES (%s)", False),
        ],
    )
    def test_finds_what_was_lost_or_doubled(self, sabotage: str, is_right: bool) -> None:
        asked = [ask() for _ in range(3)]
        for event_id in asked:
            execute("INSERT INTO handling_effect (event_id) VALUES (%s)", event_id)
        execute(sabotage, *([asked[1]] if "%s" in sabotage else []))
        assert (effects() == Counter(asked)) is is_right
