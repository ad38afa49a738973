"""`/ws/ingest`: who may send, what is taken, and where it can be read."""

import time

import pytest
import redis
from django.conf import settings

from tests.apps.realtime.backbone.client import (
    Program,
    acked,
    consumer,
    data_producer,
    ingestor,
    new_instrument,
    price_frame,
    tell,
)
from tests.apps.realtime.live import Account, Live, Web
from tests.patience import PATIENCE_S

GOOD = {"type": "price_update", "instrument": "X", "price": 1, "ts": 1}


class TestToken:
    def test_may_come_in_the_first_frame(self, web: Web, producer: Account) -> None:
        name = new_instrument()
        with ingestor(web) as feed, consumer(web) as program:
            program.join(name)
            feed.send(type="auth", token=producer.access)
            tell(feed, name, 1)
            assert program.get() == price_frame(name, 1)

    @pytest.mark.parametrize(
        "frame", [GOOD, {"type": "ping"}, {"type": "join", "room": "X"}, {"type": "no such"}]
    )
    def test_is_asked_for_before_anything_else(
        self, web: Web, producer: Account, frame: dict[str, object]
    ) -> None:
        with ingestor(web) as feed:
            assert feed.send(**frame).code() == "unauthenticated"
            assert feed.send(type="auth").code() == "invalid_field"
            feed.send(type="auth", token=producer.access)
            assert feed.rest() == []

    def test_is_waited_for_10_s(self, web: Web) -> None:
        # A machine that stands still at the wrong moment may have it wait longer.
        assert any(9 < self._waited_s(web) < 15 for _ in range(3))

    @staticmethod
    def _waited_s(web: Web) -> float:
        began = time.monotonic()
        with ingestor(web) as feed:
            assert feed.closed() == 3500
        return time.monotonic() - began

    @pytest.mark.parametrize("way", ["header", "frame"])
    @pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 5000])
    def test_that_is_wrong_ends_it(self, web: Web, way: str, token: str) -> None:
        with ingestor(web, token=token if way == "header" else "") as feed:
            if way == "frame":
                feed.send(type="auth", token=token)
            assert feed.closed() == 3500

    @pytest.mark.parametrize("way", ["header", "frame"])
    def test_without_the_permission_ends_it(self, web: Web, account: Account, way: str) -> None:
        with ingestor(web, token=account.access if way == "header" else "") as feed:
            if way == "frame":
                feed.send(type="auth", token=account.access)
            assert feed.code() == "forbidden_role"
            assert feed.closed() == 3500

    def test_that_is_revoked_ends_it(self, live: Live, web: Web) -> None:
        account = data_producer(live)
        with ingestor(web, token=account.access) as feed:
            assert feed.rest() == []
            web.log_out(account)
            assert feed.closed() == 3500


class TestRole:
    @pytest.mark.parametrize("verb", ["join", "leave", "subscribe", "unsubscribe", "message"])
    def test_ingestors_only_send(self, feed: Program, verb: str) -> None:
        assert feed.send(type=verb, room="X", data="x").code() == "forbidden_role"
        assert feed.rest() == []

    def test_consumers_only_read(self, web: Web, producer: Account) -> None:
        with consumer(web, token=producer.access) as program:
            assert program.send(**GOOD).code() == "forbidden_role"
            assert program.rest() == []


class TestPriceUpdate:
    @pytest.mark.parametrize(
        "wrong",
        [
            '"instrument":""', '"instrument":"a b"', '"instrument":7', '"instrument":null',
            '"instrument":"instrument:X"', '"instrument":"\u00e9"', f'"instrument":"{"x" * 65}"',
            '"instrument":"X\\n"', '"price":0', '"price":-1', '"price":-0.0', '"price":"1"',
            '"price":true', '"price":null', '"price":[1]', '"price":1e999', '"price":-1e999',
            f'"price":1{"0" * 400}', '"ts":"now"', '"ts":null', '"ts":true', '"ts":1e999',
            '"ts":-1', '"ts":{}',
        ],
    )  # fmt: skip
    def test_with_a_bad_field_is_refused_and_the_next_is_taken(
        self, web: Web, feed: Program, wrong: str
    ) -> None:
        name = new_instrument()
        good = f'"instrument":"{name}","price":1,"ts":1'
        with consumer(web) as program:
            program.join(name)
            feed.send_text(f'{{"type":"price_update",{good},{wrong}}}')  # the last one counts
            assert feed.code() == "invalid_field"
            tell(feed, name, 2)
            assert program.rest() == [price_frame(name, 2)]

    @pytest.mark.parametrize("missing", ["instrument", "price", "ts"])
    def test_is_whole(self, feed: Program, missing: str) -> None:
        frame = {name: value for name, value in GOOD.items() if name != missing}
        assert feed.send(**frame).code() == "invalid_field"

    def test_is_kept_where_other_programs_find_it(self, feed: Program) -> None:
        name = new_instrument()
        tell(feed, name, 60214.3, 1710000000)
        with redis.Redis.from_url(settings.REDIS_URL) as store:
            deadline = time.monotonic() + PATIENCE_S
            while (kept := store.get(f"last_price:{name}")) is None:
                assert time.monotonic() < deadline
            assert kept == f'{{"instrument":"{name}","price":60214.3,"ts":1710000000}}'.encode()
            assert 0 < store.ttl(f"last_price:{name}") <= 300

    def test_of_many_instruments_leaves_each_ones_last(self, web: Web, feed: Program) -> None:
        names = [new_instrument() for _ in range(500)]
        for price in range(1, 11):
            for name in names:
                feed.send(type="price_update", instrument=name, price=price, ts=price)
        assert feed.rest() == []
        with consumer(web) as program:
            for name in names[:100]:
                program.send(type="join", room=name)
            assert program.rest() == [
                frame
                for name in names[:100]
                for frame in (acked("subscribed", name), price_frame(name, 10, 10, warm=True))
            ]
