"""What no good client does: each gets an end of its own, and the others notice nothing."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
from aioquic.buffer import Buffer, encode_uint_var  # type: ignore[attr-defined]
from aioquic.h3.connection import FrameType
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicPacketType, pull_quic_header

from tests.apps.realtime.live import Live, Web
from tests.apps.realtime.webtransport.client import (
    WebTransportClient,
    configuration,
    connected,
    opened,
)
from tests.apps.realtime.webtransport.serving import WebTransportProgram
from tests.patience import PATIENCE_S

LARGE = {"metric_id": "01936f2e-8bff-7c11-8a07-1d9e3f5a7b20", "value": "x" * 60_000}


@pytest.fixture
async def witness(web: Web, server: WebTransportProgram) -> AsyncIterator[WebTransportClient]:
    """Another client, who is in `metrics` all the time and is answered afterwards."""
    async with opened(server.port) as client:
        await client.subscribe("metrics")
        yield client
        assert (await client.ask(type="ping"))["type"] == "pong"


class TestWho:
    @pytest.mark.parametrize("token", ["forged", "a.b.c"])
    async def test_shows_a_forged_token_is_let_go(
        self, witness: WebTransportClient, server: WebTransportProgram, token: str
    ) -> None:
        async with opened(server.port, token=token) as client:
            assert await client.end() == (3500, "invalid token")
        async with opened(server.port) as client:
            client.say(type="auth", token=token)
            assert await client.end() == (3500, "invalid token")

    async def test_signs_out_is_let_go(self, web: Web, server: WebTransportProgram) -> None:
        account = web.register()
        async with opened(server.port) as client:
            client.say(type="auth", token=account.access)
            await client.subscribe(f"user:{account.id}")
            web.log_out(account)
            assert await client.end() == (3500, "token revoked")

    async def test_has_too_many_loses_the_oldest(
        self, web: Web, server: WebTransportProgram
    ) -> None:
        account = web.register()
        async with opened(server.port, token=account.access) as oldest:
            await oldest.subscribe("metrics")
            others = [opened(server.port, token=account.access) for _ in range(10)]
            for each in others:
                await each.__aenter__()
            assert await oldest.end() == (3504, "connection limit")
            for each in others:
                await each.__aexit__(None, None, None)

    async def test_is_a_foreign_page_is_refused(
        self, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port, headers={"origin": "https://evil.example"}) as client:
            assert client.status == 403
            await client.until(lambda: client.body)
            assert json.loads(client.body)["code"] == "origin_not_allowed"
        async with opened(server.port, headers={"origin": "http://localhost:3000"}) as client:
            assert client.status == 200

    async def test_asks_for_something_else_is_told(
        self, web: Web, server: WebTransportProgram
    ) -> None:
        async with connected(server.port) as client:
            stream = client._quic.get_next_available_stream_id()
            asked = {":method": "GET", ":scheme": "https", ":authority": "x", ":path": "/wt"}
            client.http.send_headers(
                stream, [(k.encode(), v.encode()) for k, v in asked.items()], end_stream=True
            )
            client.transmit()
            await client.until(lambda: client.body)
            assert client.status == 404


class TestWhat:
    @pytest.mark.parametrize(
        ("line", "end"),
        [
            (b"no json\n", (1007, "not JSON")),
            (b"\xff\xfe\n", (1007, "not UTF-8")),
            (b"x" * 70_000, (1009, "message too big")),
        ],
    )
    async def test_is_no_command_ends_the_session(
        self,
        witness: WebTransportClient,
        server: WebTransportProgram,
        line: bytes,
        end: tuple[int, str],
    ) -> None:
        async with opened(server.port) as client:
            client.send(line)
            assert await client.end() == end

    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            ({"type": "dance"}, "unknown_type"),
            ({"type": "message", "room": "public", "data": "x"}, "unknown_type"),
            ({"type": "subscribe"}, "invalid_field"),
            ({"type": "subscribe", "room": "metrics", "after": 1.5}, "invalid_field"),
            ({"type": "subscribe", "room": "metrics", "after": {"position": True}},
             "invalid_field"),
            ({"type": 7}, "invalid_message"),
            ({"type": "auth"}, "invalid_field"),
        ],
    )  # fmt: skip
    async def test_is_wrong_is_told(
        self, witness: WebTransportClient, frame: dict[str, object], code: str
    ) -> None:
        assert (await witness.ask(**frame))["code"] == code

    async def test_is_too_much_is_told(self, web: Web, server: WebTransportProgram) -> None:
        async with opened(server.port) as client:
            client.send(b'{"type":"ping"}\n' * 450)
            await client.until(lambda: len(client.answers) == 450)
            assert {each.get("code") for each in client.answers} == {None, "rate_limited"}


class TestStreams:
    async def test_beside_that_of_the_commands_are_refused(
        self, witness: WebTransportClient, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            assert (await client.ask(type="ping"))["type"] == "pong"
            for _ in range(32):
                client.write(client.open_stream(), b'{"type":"ping"}\n')
            await client.until(lambda: len(client.reset_streams) == 32)
            assert (await client.ask(type="ping"))["type"] == "pong"
            client.write(client.open_stream(is_unidirectional=True), b"x")
            await client.until(lambda: client.is_gone)

    async def test_of_junk_end_the_connection(
        self, witness: WebTransportClient, server: WebTransportProgram
    ) -> None:
        async with connected(server.port) as client:
            stream = client._quic.get_next_available_stream_id()
            head = encode_uint_var(FrameType.HEADERS) + encode_uint_var(2**30)
            client.write(stream, head + b"x" * 400_000)  # a header that never ends
            await client.until(lambda: client.is_gone)

    async def test_of_no_session_are_refused(
        self, witness: WebTransportClient, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            own, client.session = client.session, 400
            stream = client.open_stream()
            client.write(stream, b'{"type":"ping"}\n')
            await client.until(lambda: stream in client.reset_streams)
            client.session = own
            assert (await client.ask(type="ping"))["type"] == "pong"

    async def test_with_a_second_session_are_refused(
        self, witness: WebTransportClient, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            first = client.session
            client.status = 0
            asking = asyncio.ensure_future(client.open("/wt", headers={}, port=server.port))
            await client.until(lambda: any(each != first for each in client.reset_streams))
            asking.cancel()


class TestReaders:
    async def test_who_do_not_read_are_dropped_and_can_resume(
        self, live: Live, witness: WebTransportClient, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            await client.subscribe("metrics")
            [seen] = live.commit([LARGE])
            await client.until(lambda: client.told("metrics"))
            client.is_deaf = True
            ids: list[str] = []
            for _ in range(10):  # no more at once than a good client takes
                ids += live.commit([LARGE] * 4)
                count = 1 + len(ids)
                await witness.until(lambda n=count: len(witness.told("metrics")) == n)
            client.is_deaf = False
            assert await client.end() in ((3008, "slow"), None)
            assert len(client.told("metrics")) < 41
        async with opened(server.port) as client:
            await client.subscribe("metrics", after=seen)
            await client.until(lambda: len(client.told("metrics")) == 40)
            assert [each["id"] for each in client.told("metrics")] == ids


def test_addresses_that_are_not_proven_cost_nothing(web: Web, server: WebTransportProgram) -> None:
    """The first packet of anybody is answered by a Retry, however many come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(PATIENCE_S)
        kinds = set()
        for _ in range(300):
            quic = QuicConnection(configuration=configuration())
            quic.connect(("127.0.0.1", server.port), now=0.0)
            [(data, _)] = quic.datagrams_to_send(now=0.0)[:1]
            wire.sendto(data, ("127.0.0.1", server.port))
            answer = wire.recv(2048)
            kinds.add(pull_quic_header(Buffer(data=answer), host_cid_length=8).packet_type)
    assert kinds == {QuicPacketType.RETRY}
