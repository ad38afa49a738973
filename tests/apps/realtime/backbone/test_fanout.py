"""Two web processes on one Redis: each event once everywhere, and life without Redis."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median

import pytest

from tests.apps.realtime.backbone.client import (
    Frame,
    Program,
    consumer,
    data_producer,
    ingestor,
    new_instrument,
    price_frame,
    tell,
)
from tests.apps.realtime.live import Account, Live, Web
from tests.patience import PATIENCE_S
from tests.veza.asgi.wire import until
from tests.veza.integrations.own_redis import OwnRedis

OUTAGE_S = 5.5
"""Longer than a process waits before it listens anew."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with OwnRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def webs(live: Live, store: OwnRedis) -> Iterator[tuple[Web, Web]]:
    with (
        live.another_web(REDIS_URL=store.url) as here,
        live.another_web(REDIS_URL=store.url) as there,
    ):
        yield here, there


@pytest.fixture
def here(webs: tuple[Web, Web]) -> Web:
    return webs[0]


@pytest.fixture
def there(webs: tuple[Web, Web]) -> Web:
    return webs[1]


@pytest.fixture
def feed(here: Web, producer: Account) -> Iterator[Program]:
    with ingestor(here, token=producer.access) as program:
        yield program


def pass_on(feed: Program, reader: Program, name: str) -> None:
    """Send prices to one until the other gets one, then read what is under way."""
    prices = count(1_000_001)
    deadline = time.monotonic() + PATIENCE_S
    while not reader.has_more(within_s=0.05):
        assert time.monotonic() < deadline, "fan-out never resumed"
        tell(feed, name, next(prices))
    last = next(prices)
    tell(feed, name, last)
    while reader.get()["data"]["price"] != last:
        pass


class TestFanout:
    def test_reaches_each_process_once_and_in_order(
        self, here: Web, there: Web, feed: Program
    ) -> None:
        name = new_instrument()
        with consumer(here) as near, consumer(there) as far:
            near.join(name)
            far.join(name)
            for price in range(1, 2001):
                feed.send(type="price_update", instrument=name, price=price, ts=price)
            assert feed.rest() == []
            assert [near.get()["data"]["price"] for _ in range(2000)] == list(range(1, 2001))
            assert [far.get()["data"]["price"] for _ in range(2000)] == list(range(1, 2001))
            tell(feed, name, 2001)  # nothing is doubled before this one
            assert near.get() == far.get() == price_frame(name, 2001)

    def test_reaches_others_when_nobody_listens_here(self, there: Web, feed: Program) -> None:
        name = new_instrument()
        with consumer(there) as far:
            far.join(name)
            tell(feed, name, 1)
            assert far.get() == price_frame(name, 1)

    def test_any_process_knows_the_last_price(self, there: Web, feed: Program) -> None:
        name = new_instrument()
        tell(feed, name, 42, 7)
        deadline = time.monotonic() + PATIENCE_S
        while there.call("GET", f"/api/v1/instruments/{name}/price").status_code != 200:
            assert time.monotonic() < deadline
        with consumer(there) as far:
            assert far.join(name).get() == price_frame(name, 42, 7, warm=True)

    def test_carries_talk(self, here: Web, there: Web) -> None:
        one, two = here.register(), there.register()
        room = f"chat:{new_instrument().lower()}"
        with (
            consumer(here, token=one.access) as near,
            consumer(there, token=two.access) as far,
        ):
            near.join(room)
            far.join(room).send(type="message", room=room, data="hello")
            frame = {"type": "message", "room": room, "data": "hello", "from": two.username}
            assert near.get() == far.get() == frame
            assert far.rest() == []


@pytest.mark.parametrize("fault", ["dead", "hung"])
class TestWithoutRedis:
    def test_life_goes_on_here_and_together_again_by_itself(
        self, here: Web, there: Web, feed: Program, store: OwnRedis, fault: str
    ) -> None:
        name = new_instrument()
        with consumer(here) as near, consumer(there) as far:
            near.join(name)
            far.join(name)
            tell(feed, name, 1)
            assert near.get() == far.get() == price_frame(name, 1)
            repair = _break(store, fault)
            try:
                price, ends_at, took_s = 1, time.monotonic() + OUTAGE_S, []
                while (began := time.monotonic()) < ends_at:
                    tell(feed, name, price := price + 1)
                    assert near.get() == price_frame(name, price)
                    took_s.append(time.monotonic() - began)
                assert median(took_s) < 1  # a busy machine may hold up some of them
                with consumer(here) as late:
                    assert late.join(name).get() == price_frame(name, price, warm=True)
            finally:
                repair()
            pass_on(feed, far, name)

    def test_prices_of_that_time_are_kept_when_it_is_back(
        self, there: Web, feed: Program, store: OwnRedis, fault: str
    ) -> None:
        name = new_instrument()
        repair = _break(store, fault)
        try:
            tell(feed, name, 5)
        finally:
            repair()
        deadline = time.monotonic() + PATIENCE_S
        while there.call("GET", f"/api/v1/instruments/{name}/price").status_code != 200:
            assert time.monotonic() < deadline


def _break(store: OwnRedis, fault: str) -> Callable[[], None]:
    """Break it; what is returned repairs it."""
    if fault == "dead":
        store.kill()
        return store.start
    store.freeze()
    return store.thaw


def test_a_new_process_serves_the_warm_start(
    live: Live, store: OwnRedis, here: Web, feed: Program
) -> None:
    name = new_instrument()
    tell(feed, name, 3)
    with live.another_web(REDIS_URL=store.url) as newcomer:
        # A Redis that takes long to answer is not waited for: on a busy machine ask again.
        until(lambda: warm_start(newcomer, name) == [price_frame(name, 3, warm=True)])
        with ingestor(newcomer, token=data_producer(live).access) as other:
            tell(other, name, 4)
        assert warm_start(newcomer, name) == [price_frame(name, 4, warm=True)]


def warm_start(web: Web, name: str) -> list[Frame]:
    """What a program gets at once when it joins."""
    with consumer(web) as program:
        return program.join(name).rest()


def test_a_process_that_never_had_redis_serves_its_own(live: Live) -> None:
    name = new_instrument()
    with live.another_web(REDIS_URL="") as web, consumer(web) as program:
        program.join(name)
        with ingestor(web, token=data_producer(live).access) as alone:
            tell(alone, name, 1)
        assert program.get() == price_frame(name, 1)
        assert program.join(name).get() == price_frame(name, 1, warm=True)
