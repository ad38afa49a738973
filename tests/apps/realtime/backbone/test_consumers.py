"""`/ws`: rooms, warm starts, live frames, talk."""

import signal
import time
from collections.abc import Callable
from uuid import uuid4

import pytest

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
from tests.apps.realtime.sdk.tokens import token_for
from tests.patience import PATIENCE_S


class TestInstruments:
    def test_joining_is_acknowledged_and_prices_come_live(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        with consumer(web) as program:
            program.send(type="join", room=name)
            assert program.get() == acked("subscribed", name)
            assert program.rest() == []
            tell(feed, name, 60214.3, 1710000000)
            assert program.get() == price_frame(name, 60214.3, 1710000000)

    def test_the_last_price_comes_at_once_after_the_acknowledgement(
        self, web: Web, feed: Program
    ) -> None:
        name = new_instrument()
        tell(feed, name, 1)
        tell(feed, name, 2, 1710000000123)
        with consumer(web) as program:
            program.send(type="join", room=name)
            assert program.get() == acked("subscribed", name)
            assert program.get() == price_frame(name, 2, 1710000000123, warm=True)
            tell(feed, name, 3)
            assert program.get() == price_frame(name, 3)

    def test_a_join_in_the_middle_of_a_stream_misses_nothing(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        with consumer(web) as program:
            for price in range(1, 3001):
                feed.send(type="price_update", instrument=name, price=price, ts=price)
                if price == 1500:
                    program.send(type="join", room=name)
            assert feed.rest() == []
            frames = program.rest()
        assert frames[0] == acked("subscribed", name)
        assert [frame.get("warm") for frame in frames[1:]] == [True] + [None] * (len(frames) - 2)
        prices = [frame["data"]["price"] for frame in frames[1:]]
        assert prices == list(range(prices[0], 3001))

    @pytest.mark.parametrize("verb", ["join", "subscribe"])
    @pytest.mark.parametrize("place", ["room", "data.room"])
    def test_subscribing_is_joining(self, web: Web, verb: str, place: str) -> None:
        name = new_instrument()
        with consumer(web) as program:
            frame = {"room": name} if place == "room" else {"data": {"room": name}}
            program.send(type=verb, **frame)
            assert program.get() == acked("subscribed", name)

    @pytest.mark.parametrize("verb", ["leave", "unsubscribe"])
    def test_leaving_is_acknowledged_and_final(self, web: Web, feed: Program, verb: str) -> None:
        name = new_instrument()
        with consumer(web) as program:
            program.join(name).send(type=verb, data={"room": name})
            assert program.get() == acked("unsubscribed", name)
            tell(feed, name, 5)
            assert program.rest() == []
            program.send(type=verb, room=name)
            assert program.code() == "not_a_member"

    @pytest.mark.parametrize("name", ["A", "a_B-9./x", "x" * 64, "."])
    def test_have_names_of_their_own(self, web: Web, feed: Program, name: str) -> None:
        with consumer(web) as program:
            program.join(name).rest()
            tell(feed, name, 7)
            assert program.get() == price_frame(name, 7)

    def test_answers_use_the_name_that_the_client_used(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        tell(feed, name, 1)
        with consumer(web) as program:
            program.join(f"instrument:{name}")
            assert program.get() == price_frame(f"instrument:{name}", 1, warm=True)
            tell(feed, name, 2)
            assert program.get() == price_frame(f"instrument:{name}", 2)
            program.join(name)
            assert program.get() == price_frame(name, 2, warm=True)
            tell(feed, name, 3)
            assert program.rest() == [price_frame(name, 3)]
            program.send(type="leave", room=f"instrument:{name}")
            assert program.get() == acked("unsubscribed", f"instrument:{name}")
            tell(feed, name, 4)
            assert program.rest() == []

    def test_joining_again_is_harmless(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        with consumer(web) as program:
            program.join(name).join(name)
            tell(feed, name, 1)
            assert program.rest() == [price_frame(name, 1)]

    def test_numbers_are_passed_on_as_sent(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        with consumer(web) as program:
            program.join(name)
            feed.send_text(
                f'{{"type":"price_update","instrument":"{name}","price":0.1,"ts":1710000000.5,'
                '"volume":3}'
            )
            data = program.get()["data"]
        assert data == {"type": "price_update", "instrument": name, "price": 0.1,
                        "ts": 1710000000.5}  # fmt: skip

    def test_each_member_gets_each_price_once_and_in_order(self, web: Web, feed: Program) -> None:
        name = new_instrument()
        programs = [consumer(web).join(name) for _ in range(8)]
        for price in range(1, 501):
            feed.send(type="price_update", instrument=name, price=price, ts=price)
        assert feed.rest() == []
        for program in programs:
            with program:
                assert [f["data"]["price"] for f in program.rest()] == list(range(1, 501))

    def test_the_last_price_has_its_time(self, live: Live) -> None:
        with live.another_web(LAST_VALUE_TTL_S=1) as web:
            name = new_instrument()
            with ingestor(web, token=data_producer(live).access) as feed:
                tell(feed, name, 1)
            deadline = time.monotonic() + PATIENCE_S
            while web.call("GET", f"/api/v1/instruments/{name}/price").status_code == 200:
                assert time.monotonic() < deadline
            with consumer(web) as program:
                assert program.join(name).rest() == []


class TestOtherRooms:
    def test_facts_come_with_id_and_position(self, live: Live, web: Web, account: Account) -> None:
        with consumer(web) as program:
            program.join("metrics")
            metric = web.create_metric(account)
            frame = program.get()
            while frame["data"] != metric:
                frame = program.get()
        assert frame.keys() == {"type", "room", "data", "id", "position", "epoch"}
        assert (frame["type"], frame["room"]) == ("metric_created", "metrics")
        assert (frame["id"], frame["position"]) in live.logged(room="metrics")

    def test_my_own_room_is_mine(self, web: Web, account: Account) -> None:
        with consumer(web, token=account.access) as program:
            program.join(f"user:{account.id}")
            program.send(type="join", room=f"user:{uuid4()}")
            assert program.code() == "room_not_found"
        with consumer(web) as program:
            program.send(type="join", room=f"user:{account.id}")
            assert program.code() == "room_not_found"

    def test_there_is_room_for_128(self, web: Web) -> None:
        with consumer(web) as program:
            names = [new_instrument() for _ in range(128)]
            for name in names:
                program.send(type="join", room=name)
            assert program.rest() == [acked("subscribed", name) for name in names]
            program.send(type="join", room=new_instrument())
            assert program.code() == "too_many_rooms"
            program.join(names[0])
            program.send(type="leave", room=names[0])
            assert program.get() == acked("unsubscribed", names[0])
            program.join(new_instrument())


class TestTalk:
    def test_reaches_the_members_with_its_author(self, web: Web, account: Account) -> None:
        other = web.register()
        room = f"chat:{new_instrument().lower()}"
        with (
            consumer(web, token=account.access) as one,
            consumer(web, token=other.access) as two,
        ):
            one.join(room)
            two.join(room)
            one.send(type="message", room=room, data="Здравствуйте 🎶")
            told = {"type": "message", "room": room, "data": "Здравствуйте 🎶",
                    "from": account.username}  # fmt: skip
            assert one.get() == two.get() == told

    def test_is_for_members(self, web: Web, account: Account) -> None:
        with consumer(web, token=account.access) as program:
            program.send(type="message", room="chat:lobby", data="hello")
            assert program.code() == "not_a_member"

    def test_is_for_people_who_are_known(self, web: Web) -> None:
        with consumer(web) as program:
            program.send(type="join", room="chat:lobby")
            assert program.code() == "room_not_found"

    @pytest.mark.parametrize("text", ["", "x" * 2001, 7, None, ["a"], "\ud800"])
    def test_has_1_to_2000_characters(self, web: Web, account: Account, text: object) -> None:
        with consumer(web, token=account.access) as program:
            program.join("chat:lobby")
            program.send(type="message", room="chat:lobby", data=text)
            assert program.code() == "invalid_field"
            program.send(type="message", room="chat:lobby", data="é" * 2000)
            assert program.get()["data"] == "é" * 2000

    @pytest.mark.parametrize(
        "name",
        ["Lobby", "a b", "", "x" * 65, "a:b", "018cc251-f400-7000-8000-000000000001"],
    )
    def test_happens_in_rooms_that_there_are(self, web: Web, account: Account, name: str) -> None:
        with consumer(web, token=account.access) as program:
            program.send(type="join", room=f"chat:{name}")
            assert program.code() == "room_not_found"

    def test_does_not_happen_among_prices(self, web: Web, account: Account) -> None:
        name = new_instrument()
        with consumer(web, token=account.access) as program:
            program.join(name).send(type="message", room=name, data="hello")
            assert program.code() == "forbidden_role"


class TestConnection:
    def test_a_ping_is_answered_with_the_time(self, web: Web) -> None:
        with consumer(web) as program:
            pong = program.send(type="ping").get()
        assert pong.keys() == {"type", "data"}
        assert abs(pong["data"]["timestamp"] / 1000 - time.time()) < 60

    def test_may_say_who_it_is_in_a_frame(self, web: Web, account: Account) -> None:
        with consumer(web) as program:
            program.send(type="auth", token=account.access)
            program.join(f"user:{account.id}")
            program.send(type="auth", token=web.register().access)
            assert program.code() == "invalid_field"

    @pytest.mark.parametrize("way", ["header", "frame"])
    def test_ends_with_a_wrong_token(self, web: Web, way: str) -> None:
        with consumer(web, token="nonsense" if way == "header" else "") as program:
            if way == "frame":
                program.send(type="auth", token="nonsense")
            assert program.closed() == 3500
            assert program.reason == "invalid token"

    @pytest.mark.parametrize("way", ["header", "frame"])
    def test_ends_with_a_token_whose_time_is_over(
        self, live: Live, web: Web, account: Account, way: str
    ) -> None:
        token = token_for(live, account, lifetime_s=-10)
        with consumer(web, token=token if way == "header" else "") as program:
            if way == "frame":
                program.send(type="auth", token=token)
            assert program.closed() == 3500
            assert program.reason == "token expired"

    @pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer a b", "Bearer a, Bearer b"])
    def test_ends_with_a_header_that_holds_no_token(self, web: Web, header: str) -> None:
        with consumer(web, Authorization=header) as program:
            assert program.closed() == 3500

    def test_takes_another_scheme_for_nobody(self, web: Web) -> None:
        with consumer(web, Authorization="Basic eDp5") as program:
            assert program.rest() == []

    def test_ends_with_its_session(self, web: Web) -> None:
        account = web.register()
        with consumer(web, token=account.access) as program:
            program.join(new_instrument())
            web.log_out(account)
            assert program.closed() == 3500
            assert program.reason == "token revoked"

    def test_the_oldest_of_eleven_gives_way(self, web: Web) -> None:
        account = web.register()
        programs = [consumer(web, token=account.access).join("X") for _ in range(11)]
        assert programs[0].closed() == 3504
        for program in programs[1:]:
            with program:
                assert program.send(type="ping").get()

    @pytest.mark.parametrize("opened", [consumer, ingestor])
    def test_ends_with_the_server(self, live: Live, opened: Callable[[Web], Program]) -> None:
        with live.another_web() as web, opened(web) as program:
            assert web.process is not None
            web.process.send_signal(signal.SIGTERM)
            assert program.closed() == 3001
