"""P11, P50: relays that are killed, frozen, cut off or told to end lose nothing, repeat nothing."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from apps.events import registry, selectors
from tests.apps.events.rig import (
    ThingChanged,
    change,
    eventually,
    faults_of_the_log,
    outbox_is_empty,
    start_relay,
)
from tests.faults.rig.sizes import SIZE
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = {"small": 3, "medium": 10, "large": 30}[SIZE.name]
WRITERS = 4


@pytest.fixture(autouse=True)
def _thing_changed_is_registered() -> Iterator[None]:
    with registry.including(ThingChanged):
        yield


@pytest.fixture
def relay() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a relay, whose first act has been seen when this returns; ends it after the test."""
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            before = connected_relays()
            process = start_relay()
            stack.callback(_end, process)
            eventually(lambda: connected_relays() - before)
            return process

        yield start


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def connected_relays() -> set[int]:
    """The server processes that serve relays of this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'veza-relay' AND datname = current_database()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def cut_off(sessions: set[int]) -> None:
    with connection.cursor() as cursor:
        for pid in sessions:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    eventually(lambda: not sessions & connected_relays())


@contextmanager
def under_load() -> Iterator[list[UUID]]:
    """Writers commit as fast as they can; the list holds what they have committed."""
    committed: list[UUID] = []
    done = threading.Event()

    def write(thing: int) -> None:
        step = 0
        while not done.wait(0.002):
            step += 1
            committed.append(change(thing=thing, step=step))
        connection.close()

    threads = [threading.Thread(target=write, args=[thing]) for thing in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield committed
    finally:
        done.set()
        for thread in threads:
            thread.join()


def head_moves_on(by: int) -> None:
    goal = selectors.log_head() + by
    eventually(lambda: selectors.log_head() >= goal)


def test_relays_killed_and_frozen_under_load_lose_and_repeat_nothing(
    relay: Callable[[], subprocess.Popen[bytes]],
) -> None:
    frozen = relay()
    with under_load() as committed:
        head_moves_on(100)
        victim = relay()
        for _ in range(KILLS):
            head_moves_on(50)
            victim.kill()
            victim = relay()
        frozen.send_signal(signal.SIGSTOP)
        head_moves_on(500)
        frozen.send_signal(signal.SIGCONT)
        victim.kill()
        head_moves_on(100)
    eventually(outbox_is_empty)
    assert faults_of_the_log(committed=committed) == []


def test_a_relay_whose_connection_is_cut_says_so_and_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    with log.open("wb") as out:
        process = start_relay(out.fileno())
    try:
        with under_load() as committed:
            for _ in range(3):
                head_moves_on(50)
                cut_off(connected_relays())
            head_moves_on(50)
        eventually(outbox_is_empty)
    finally:
        _end(process)
    assert faults_of_the_log(committed=committed) == []
    lines = log.read_text().splitlines()
    assert sum("relay_interrupted" in line for line in lines) == 3
    assert sum("relay_connected" in line for line in lines) == 4
    assert len(lines) == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_relay_that_is_told_to_end_does_so_with_0_and_leaves_nothing(
    relay: Callable[[], subprocess.Popen[bytes]], number: signal.Signals
) -> None:
    process = relay()
    with under_load() as committed:
        head_moves_on(50)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
        assert selectors.relay_status().state == "down"
        eventually(lambda: not connected_relays())
        relay()
    eventually(outbox_is_empty)
    assert faults_of_the_log(committed=committed) == []


def test_a_frozen_relay_is_not_taken_for_a_living_one(
    relay: Callable[[], subprocess.Popen[bytes]],
) -> None:
    process = relay()
    eventually(lambda: selectors.relay_status().state == "up")
    os.kill(process.pid, signal.SIGSTOP)
    eventually(lambda: selectors.relay_status().state == "down")
    os.kill(process.pid, signal.SIGCONT)
    eventually(lambda: selectors.relay_status().state == "up")
