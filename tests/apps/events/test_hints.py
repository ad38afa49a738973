"""Hints: what they speed up, and that nothing waits for them or fails without them."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from channels.layers import get_channel_layer  # type: ignore[import-untyped]
from django.conf import settings
from django.db import transaction

from apps.events import hints, services
from apps.events.announcements import MAX_ROWS, announcement, sign_of_life
from apps.events.hints import FACTS, SEND_WITHIN_S, Hints
from apps.events.models import LoggedFact
from apps.events.relay import Pace, Relay
from apps.events.sessions import session
from apps.events.types import Envelope, Subject
from tests.apps.events.rig import (
    ThingChanged,
    change,
    eventually,
    move,
    outbox_is_empty,
    relay_thread,
)
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_hints(monkeypatch: pytest.MonkeyPatch) -> Hints:
    """Hints that have not been used before."""
    fresh = Hints()
    monkeypatch.setattr(hints, "_hints", fresh)
    return fresh


@pytest.fixture
def _layer() -> None:
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set. Run `make test`.")


def redis_at(port: int) -> dict[str, Any]:
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [f"redis://127.0.0.1:{port}/0"], "prefix": "nobody"},
        }
    }


@contextmanager
def relay_that_polls_seldom() -> Iterator[Relay]:
    relay = Relay(pace=Pace(poll_s=100 * PATIENCE_S))
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join()


@pytest.mark.usefixtures("_layer", "own_hints")
def test_a_commit_wakes_a_relay_that_would_poll_only_later() -> None:
    with relay_that_polls_seldom():
        change()
        eventually(outbox_is_empty)  # its first look
        deadline = time.monotonic() + PATIENCE_S
        while not (is_quick := took_effect_within(1.0)) and time.monotonic() < deadline:
            pass  # it may still be subscribing
    assert is_quick


def took_effect_within(seconds: float) -> bool:
    change()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if outbox_is_empty():
            return True
        time.sleep(0.005)
    return False


def test_a_transaction_gives_one_hint_and_a_rolled_back_one_gives_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[int] = []

    def count() -> None:
        given.append(1)

    monkeypatch.setattr(hints, "outbox_has_grown", count)
    with transaction.atomic():
        for step in range(5):
            publish(step)
    assert len(given) == 1
    with transaction.atomic():
        publish(1)
        transaction.set_rollback(True)
    assert len(given) == 1


def publish(step: int) -> None:
    services.publish(ThingChanged(step=step), subject=Subject(type="thing", id="1"))


def test_a_redis_that_hangs_costs_a_commit_nothing(settings: Any, own_hints: Hints) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:  # takes connections, never answers
        settings.CHANNEL_LAYERS = redis_at(hung.getsockname()[1])
        assert costs_nothing(own_hints)
        assert change()


def test_a_redis_that_is_away_costs_a_commit_nothing(settings: Any, own_hints: Hints) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    settings.CHANNEL_LAYERS = redis_at(port)
    assert costs_nothing(own_hints)
    assert change()


def costs_nothing(of: Hints) -> bool:
    """Who waited would do so each time; a busy machine may hold up a hint now and then."""
    return any(slowest_hint_s(of, seconds=1.5) < SEND_WITHIN_S / 2 for _ in range(5))


def slowest_hint_s(of: Hints, *, seconds: float) -> float:
    """Of many, given over a while in which time-outs and pauses pass."""
    slowest, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.perf_counter()
        of.outbox_has_grown()
        slowest = max(slowest, time.perf_counter() - started)
        time.sleep(0.001)
    return slowest


def test_without_a_channel_layer_there_are_none(settings: Any, own_hints: Hints) -> None:
    settings.CHANNEL_LAYERS = {}
    assert not own_hints.are_heard
    assert change()


class TestAnnouncement:
    def test_holds_the_envelopes_of_what_was_moved(self) -> None:
        ids = [change(step=step) for step in range(3)]
        move()
        with session("veza-test") as opened:
            told = announcement(opened, first=1, last=3)
        assert (told["first"], told["last"]) == (1, 3)
        assert [Envelope.from_wire(row).id for row in told["rows"]] == ids
        assert told["rows"][0]["rooms"] == ["thing:1"]

    def test_of_many_facts_holds_positions_only(self) -> None:
        for step in range(MAX_ROWS + 1):
            change(step=step)
        move()
        with session("veza-test") as opened:
            told = announcement(opened, first=1, last=MAX_ROWS + 1)
            assert told["rows"] == []
            assert len(announcement(opened, first=2, last=MAX_ROWS + 1)["rows"]) == MAX_ROWS

    def test_of_large_facts_holds_positions_only(self) -> None:
        change()
        move()
        LoggedFact.objects.update(payload={"step": 1, "more": "x" * 100_000})
        with session("veza-test") as opened:
            assert announcement(opened, first=1, last=1)["rows"] == []

    @pytest.mark.usefixtures("_layer", "own_hints")
    def test_reaches_who_listens(self) -> None:
        heard: list[dict[str, Any]] = []
        ready, done = threading.Event(), threading.Event()

        async def listen() -> None:
            layer = get_channel_layer()
            channel = await layer.new_channel()
            await layer.group_add(FACTS, channel)
            ready.set()
            while not done.is_set():
                try:
                    async with asyncio.timeout(0.2):
                        heard.append(await layer.receive(channel))
                except TimeoutError:
                    channel = await layer.new_channel()
                    await layer.group_add(FACTS, channel)
            await layer.flush()

        listener = threading.Thread(target=lambda: asyncio.run(listen()))
        listener.start()
        assert ready.wait(PATIENCE_S)
        with relay_that_polls_seldom():
            eventually(lambda: told_of_a_change(heard))
        done.set()
        listener.join()


def told_of_a_change(heard: list[dict[str, Any]]) -> bool:
    event_id = str(change())
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if any(row["id"] == event_id for message in heard for row in message["rows"]):
            return True
        time.sleep(0.01)
    return False


class TestSignOfLife:
    def test_tells_how_far_the_log_goes(self) -> None:
        change()
        move()
        with session("veza-test") as opened:
            told = sign_of_life(opened)
            announced = announcement(opened, first=1, last=1)
        assert told == announced | {"first": 2, "rows": []}

    @pytest.mark.usefixtures("_layer", "own_hints")
    def test_comes_again_and_again_from_a_relay_that_has_nothing_to_do(self) -> None:
        heads = asyncio.run(_heads_told(3))
        assert heads == [0, 0, 0]


async def _heads_told(count: int) -> list[int]:
    """How far the log goes, as a relay says unasked."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(FACTS, channel)
    with relay_thread():
        async with asyncio.timeout(PATIENCE_S):
            return [(await layer.receive(channel))["last"] for _ in range(count)]
