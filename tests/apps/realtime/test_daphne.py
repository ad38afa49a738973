"""Under Daphne (`manage.py runserver`): the same streams and sockets, over ASGI's own `send`."""

from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.apps.realtime.backbone.client import Program, data_producer, new_instrument, price_frame
from tests.apps.realtime.centrifugo.sockets import connected, opened
from tests.apps.realtime.live import Account, Live, Web
from tests.apps.realtime.sse.stream import CONNECTED, Stream
from tests.veza.asgi.serving import is_alive
from veza.embedded.ports import free_port


class Daphne(Web):
    """`manage.py runserver`; calls that the tests make of a web process work on it."""


@pytest.fixture(scope="module")
def web(live: Live) -> Iterator[Web]:
    port = free_port()
    web = Daphne(
        arguments=["runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}"],
        environment=live.environment(), log=live.folder / f"daphne-{port}.log", port=port,
        is_ready=lambda: is_alive(port),
    )  # fmt: skip
    web.start()
    yield web
    web.kill()


def test_it_is_daphne(web: Web) -> None:
    assert web.call("GET", "/healthz").headers["Server"].lower() == "daphne"


class TestStreams:
    def test_facts_come_as_they_happen(self, live: Live, web: Web) -> None:
        with Stream(web.port) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert stream.next() == CONNECTED
            ids = live.commit([{"n": n} for n in range(200)])
            assert stream.facts(200) == ids

    async def test_what_was_missed_comes_first(self, live: Live, web: Web) -> None:
        ids = live.commit([{"text": "x" * 500}] * 2_001)
        live.wait_until_logged(ids)
        async with connected(web) as socket:
            await socket.until_applied(live.logged(room="metrics")[-1][1])
        with Stream(web.port, headers={"Last-Event-ID": ids[0]}) as stream:
            assert stream.next() == CONNECTED
            assert stream.facts(2_000) == ids[1:]

    def test_a_room_that_is_not_there_is_404(self, web: Web) -> None:
        with Stream(web.port, rooms="nosuch") as stream:
            assert stream.status == 404
            assert stream.problem["code"] == "room_not_found"

    def test_the_end_of_a_session_ends_it(self, web: Web) -> None:
        account = web.register()
        with Stream(web.port, headers=account.headers) as stream:
            assert stream.next() == CONNECTED
            web.log_out(account)
            assert [event.data for event in stream.rest()] == ["disconnected"]


class TestPrograms:
    def test_prices_come_to_consumers(self, live: Live, web: Web) -> None:
        name = new_instrument()
        token = data_producer(live).access
        with Program(web, "/ws") as program, Program(web, "/ws/ingest", token=token) as feed:
            program.join(name)
            for price in range(1, 501):
                feed.send(type="price_update", instrument=name, price=price, ts=1)
            assert feed.rest() == []
            assert [program.get() for _ in range(500)] == [
                price_frame(name, price) for price in range(1, 501)
            ]

    def test_a_wrong_token_ends_it(self, web: Web) -> None:
        with Program(web, "/ws", token="nonsense") as program:
            assert program.closed() == 3500

    def test_a_foreign_page_is_refused(self, web: Web) -> None:
        with pytest.raises(InvalidStatus) as refused:
            Program(web, "/ws", Origin="https://evil.example")
        assert refused.value.response.status_code == 403

    @pytest.mark.parametrize(("frame", "code"), [("{", 4507), (b"{}", 4503), ("x" * 65537, 4509)])
    def test_bad_frames_end_it(self, web: Web, frame: str | bytes, code: int) -> None:
        """Daphne itself sends neither codes below 3000 nor reasons."""
        with Program(web, "/ws") as program:
            program.socket.send(frame)
            assert program.closed() == code


class TestApplications:
    async def test_facts_come_and_are_recovered(
        self, live: Live, web: Web, account: Account
    ) -> None:
        async with connected(web, account.access) as socket:
            at = (await socket.ask("subscribe", channel="metrics"))["subscribe"]
            ids = live.commit([{"n": n} for n in range(50)])
            came = [(await socket.get())["push"]["pub"]["data"]["id"] for _ in ids]
            assert came == ids
        place = {"recover": True, "offset": at["offset"], "epoch": at["epoch"]}
        async with connected(web) as socket:
            back = (await socket.ask("subscribe", channel="metrics", **place))["subscribe"]
        assert [each["data"]["id"] for each in back["publications"]] == ids

    async def test_protobuf_is_spoken(self, web: Web) -> None:
        async with opened(web, subprotocols=["centrifuge-protobuf"]) as socket:
            assert socket.connection.subprotocol == "centrifuge-protobuf"
            await socket.connection.send(b"\x04\x08\x01\x22\x00")
            reply = await socket.connection.recv()
            assert isinstance(reply, bytes)
            assert reply[1:3] == b"\x08\x01"

    @pytest.mark.parametrize(("frame", "code"), [("{", 3501), (" " * 65537, 4509)])
    async def test_bad_frames_end_it(self, web: Web, frame: str, code: int) -> None:
        async with connected(web) as socket:
            await socket.connection.send(frame)
            assert await socket.ended() == code

    async def test_the_end_of_a_session_ends_it(self, web: Web) -> None:
        account = web.register()
        async with connected(web, account.access) as socket:
            web.log_out(account)
            assert await socket.ended() == 3500
