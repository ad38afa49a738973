"""Messages between processes, and what becomes of them while Redis is away."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pytest
from channels.layers import (  # type: ignore[import-untyped]
    channel_layers,
    get_channel_layer,
)

from apps.realtime import fanout as fanouts
from apps.realtime.ephemera import ephemeral
from apps.realtime.fanout import Fanout, send_from_outside
from apps.realtime.hub import Hub
from apps.realtime.transports.backbone.warm import Newest
from tests.apps.realtime.fakes import Member
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until
from tests.veza.integrations.own_redis import OwnRedis
from veza.kit import metrics


class Process:
    """A loop of its own in a thread, with a hub, a fan-out and a member of the room `a`."""

    def __init__(self) -> None:
        self.hints: list[Any] = []
        self.orders: list[tuple[str, Any]] = []
        self.member = Member()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.do(self._make)

    async def _make(self) -> None:
        hub = Hub(clock=time.monotonic, soon=self.loop.call_soon)
        hub.join("a", self.member)
        self.fanout = Fanout(
            hub=hub, on_hint=self.hints.append,
            on_order=lambda name, data: self.orders.append((name, data)),
        )  # fmt: skip
        await self.fanout.start()

    def do(self, call: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(PATIENCE_S)

    def say(self, word: str) -> None:
        async def say() -> None:
            self.fanout.send("a", ephemeral(word, {}))
            await asyncio.sleep(0.01)  # those here have it then

        self.do(say)

    @property
    def heard(self) -> list[str]:
        return [line.split()[1] for line in self.member.lines]

    def end(self) -> None:
        self.do(self.fanout.stop)
        self.loop.call_soon_threadsafe(self.loop.stop)
        until(lambda: not self.loop.is_running())
        self.loop.close()


@pytest.fixture
def redis(tmp_path, settings) -> Iterator[OwnRedis]:
    with OwnRedis(tmp_path) as redis:
        settings.CHANNEL_LAYERS = {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [redis.url], "prefix": "test"},
            }
        }
        yield redis
    channel_layers.backends.clear()


@pytest.fixture
def two(redis) -> Iterator[tuple[Process, Process]]:
    one, other = Process(), Process()
    try:
        wait_until_they_hear_each_other(one, other)
        yield one, other
    finally:
        one.end()
        other.end()


def wait_until_they_hear_each_other(one: Process, other: Process) -> None:
    words: list[str] = []

    def hear_one_of_them() -> bool:
        words.append(f"probe-{time.monotonic_ns()}")
        one.say(words[-1])
        other.say(words[-1])
        return any(one.heard.count(word) == other.heard.count(word) == 2 for word in words)

    until(hear_one_of_them, tick_s=0.05)


@pytest.fixture
def _nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a busy machine takes long for is not taken for lost."""
    for name in ("SEND_TIMEOUT_S", "DEAF_S"):
        monkeypatch.setattr(fanouts, name, PATIENCE_S)


@pytest.mark.usefixtures("_nothing_is_given_up")
def test_everyone_hears_it_once_the_sender_too(two):
    one, other = two
    for number in range(500):
        one.say(f"word-{number}")
    wanted = [f"word-{number}" for number in range(500)]
    until(lambda: other.heard[-1] == wanted[-1])
    for process in two:
        assert [word for word in process.heard if word.startswith("word")] == wanted


@pytest.mark.usefixtures("_nothing_is_given_up")
def test_who_sends_flat_out_is_slowed_and_loses_nothing(two):
    one, other = two
    count = 100_000

    async def send_all() -> None:
        for number in range(count):
            one.fanout.send("a", ephemeral(f"word-{number}", {}))
            if number % 16 == 0:
                await one.fanout.has_room()

    asyncio.run_coroutine_threadsafe(send_all(), one.loop).result(PATIENCE_S)
    until(lambda: other.heard[-1] == f"word-{count - 1}")
    heard = [word for word in other.heard if word.startswith("word")]
    assert heard == [f"word-{number}" for number in range(count)]


def test_numbers_of_any_length_pass(two):
    one, other = two
    price = {"price": 10**30, "change": -(10**25)}
    heard = Newest()

    async def listen() -> None:
        other.fanout._hub.join("prices", heard)

    async def tell() -> None:
        one.fanout.send("prices", ephemeral("price", price))

    other.do(listen)
    one.do(tell)
    until(lambda: heard.message is not None)
    assert heard.message is not None
    assert heard.message.data == price
    assert not one.fanout.is_alone


def test_what_cannot_be_held_gives_way_and_is_counted(two, redis, monkeypatch):
    one, _ = two
    monkeypatch.setattr(fanouts, "MAX_BYTES", 2_000)
    before = metrics.REALTIME_NOT_SHARED._value.get()

    async def send_all() -> None:
        for number in range(100):
            one.fanout.send("a", ephemeral(f"much-{number}", {}))

    one.do(send_all)

    until(lambda: metrics.REALTIME_NOT_SHARED._value.get() >= before + 80)


def test_an_order_reaches_every_process(two):
    one, other = two

    async def give() -> None:
        one.fanout.order("end", {"connection": "x"})

    one.do(give)
    until(lambda: one.orders == other.orders == [("end", {"connection": "x"})])


def test_a_process_without_members_may_speak(two, monkeypatch):
    monkeypatch.setattr(fanouts, "_outside", None)
    one, other = two

    def both_have_heard():
        send_from_outside("a", ephemeral("from-outside", {}))
        time.sleep(0.05)
        return "from-outside" in one.heard and "from-outside" in other.heard

    until(both_have_heard)


def test_hints_are_handed_on(two):
    one, other = two
    hint = {"type": fanouts.FACTS, "first": 1, "last": 2, "epoch": "e", "rows": []}

    async def tell():
        await get_channel_layer().group_send(fanouts.FACTS, hint)

    one.do(tell)
    until(lambda: one.hints == other.hints == [hint])


@pytest.mark.parametrize("loss", ["killed", "frozen"])
def test_without_redis_local_life_goes_on_and_it_heals(two, redis, loss, caplog):
    one, other = two
    redis.kill() if loss == "killed" else redis.freeze()
    took_s = []
    for number in range(50):
        began = time.monotonic()
        one.say(f"alone-{number}")
        took_s.append(time.monotonic() - began)
    assert median(took_s) < 0.5  # a busy machine may hold up some of them
    assert [word for word in one.heard if word.startswith("alone")] == [
        f"alone-{number}" for number in range(50)
    ]
    until(lambda: one.fanout.is_alone)
    # So that a second try fails too, and would be told if it were.
    time.sleep(fanouts.RETRY_S + fanouts.SEND_TIMEOUT_S + 0.5)
    redis.start() if loss == "killed" else redis.thaw()
    wait_until_they_hear_each_other(one, other)
    # The word may be heard before its sender knows that it was taken.
    until(lambda: not one.fanout.is_alone and not other.fanout.is_alone)
    for process in two:
        assert not [word for word in process.heard if process.heard.count(word) > 2]
    for process in two:
        mine = [r.message for r in caplog.records if process.fanout.origin in r.message]
        assert [line.split()[0] for line in mine] == ["fanout_alone", "fanout_together_again"]


class HungLayer:
    """Its Redis hangs: nothing comes, nothing goes, and to listen no more takes for ever too."""

    def __init__(self) -> None:
        self.receiving = asyncio.Event()

    async def new_channel(self) -> str:
        return "channel"

    async def group_add(self, group: str, channel: str) -> None:
        pass

    async def group_send(self, group: str, message: Any) -> None:
        await asyncio.Event().wait()

    async def flush(self) -> None:
        await asyncio.Event().wait()

    async def receive(self, channel: str) -> Any:
        self.receiving.set()
        try:
            return await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()


async def test_it_stops_in_time_whatever_the_layer_waits_for(monkeypatch):
    layer = HungLayer()
    monkeypatch.setattr(fanouts, "get_channel_layer", lambda: layer)
    loop = asyncio.get_running_loop()
    fanout = Fanout(hub=Hub(clock=time.monotonic, soon=loop.call_soon), on_hint=print)
    await fanout.start()
    await layer.receiving.wait()
    async with asyncio.timeout(PATIENCE_S):
        await fanout.stop()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
