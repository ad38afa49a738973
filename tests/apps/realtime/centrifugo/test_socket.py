"""The socket as a running server speaks it, to clients that keep to the protocol and to others."""

import asyncio
import base64
import json
import os
import socket
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.apps.realtime.centrifugo.sockets import connected, opened
from tests.apps.realtime.live import ENVIRONMENT, Account, Live, Web
from tests.patience import PATIENCE_S


def numbered(count: int, *, bytes_each: int = 0) -> list[dict[str, Any]]:
    return [{"value": number, "note": "x" * bytes_each} for number in range(count)]


class TestHandshake:
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
    )
    async def test_refuses_foreign_pages(self, web: Web, origin: str) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(web, origin=origin):
                pass
        assert refused.value.response.status_code == 403
        assert json.loads(refused.value.response.body)["code"] == "origin_not_allowed"

    @pytest.mark.parametrize("origin", [None, "http://localhost:3000"])
    async def test_takes_programs_and_our_own_pages(self, web: Web, origin: str | None) -> None:
        async with opened(web, origin=origin) as socket:
            assert "connect" in await socket.ask("connect")

    async def test_confirms_the_subprotocol_that_was_offered(self, web: Web) -> None:
        async with opened(web, subprotocols=["other", "centrifuge-protobuf"]) as socket:
            assert socket.connection.subprotocol == "centrifuge-protobuf"
        async with opened(web, path="?format=protobuf") as socket:
            assert socket.connection.subprotocol is None

    @pytest.mark.parametrize("query", ["?format=protobuf", "?cf_protocol=protobuf"])
    async def test_speaks_protobuf_by_query(self, web: Web, query: str) -> None:
        async with opened(web, path=query) as socket:
            await socket.connection.send(b"\x04\x08\x01\x22\x00")
            reply = await socket.connection.recv()
            assert isinstance(reply, bytes)
            assert reply[1:3] == b"\x08\x01"


class TestConnect:
    async def test_tells_a_signed_in_client_when_to_refresh(
        self, web: Web, account: Account
    ) -> None:
        async with opened(web) as socket:
            reply = (await socket.ask("connect", token=account.access))["connect"]
        assert reply.pop("client")
        ttl = reply.pop("ttl")
        assert 0 < ttl <= int(ENVIRONMENT["ACCESS_TOKEN_TTL_S"])
        assert reply == {"version": "veza 1", "ping": 25, "pong": True, "expires": True}

    async def test_tells_an_anonymous_one_nothing_of_that(self, web: Web) -> None:
        async with opened(web) as socket:
            reply = (await socket.ask("connect"))["connect"]
        assert reply.keys() == {"client", "version", "ping", "pong"}

    @pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 5000, "eyJhbGciOiJub25lIn0.e30."])
    async def test_ends_with_a_forged_token(self, web: Web, token: str) -> None:
        async with opened(web) as socket:
            await socket.send({"id": 1, "connect": {"token": token}})
            assert await socket.closed(because="invalid token") == 3500

    async def test_ends_with_a_refresh_token(self, web: Web, account: Account) -> None:
        async with opened(web) as socket:
            await socket.send({"id": 1, "connect": {"token": account.refresh}})
            assert await socket.closed() == 3500

    async def test_is_not_renewed_with_the_token_of_another(
        self, web: Web, account: Account
    ) -> None:
        other = await asyncio.to_thread(web.register)
        async with connected(web, account.access) as socket:
            await socket.send({"id": 2, "refresh": {"token": other.access}})
            assert await socket.closed() == 3500

    async def test_is_renewed_with_a_token_of_the_same_user(
        self, web: Web, account: Account
    ) -> None:
        async with connected(web, account.access) as socket:
            reply = await socket.ask("refresh", token=account.access)
            assert reply["refresh"]["expires"]
            assert await socket.error("refresh", token="") == 107


class TestSubscribe:
    async def test_answers_with_the_position(self, web: Web, live: Live) -> None:
        live.wait_until_logged(live.commit(numbered(1)))
        async with connected(web) as socket:
            reply = (await socket.ask("subscribe", channel="metrics"))["subscribe"]
        ((epoch,),) = live.query("SELECT epoch FROM events_epoch")
        assert reply.pop("offset") > 0
        assert reply == {"recoverable": True, "positioned": True, "epoch": epoch}

    async def test_says_only_that_it_worked_where_nothing_is_kept(
        self, web: Web, account: Account
    ) -> None:
        async with connected(web, account.access) as socket:
            reply = await socket.ask("subscribe", channel="chat:lobby", recover=True)
        assert reply == {"id": 7, "subscribe": {}}

    @pytest.mark.parametrize(
        ("request_", "code"),
        [
            ({"channel": "nowhere"}, 102),
            ({"channel": "user:00000000-0000-7000-8000-000000000000"}, 102),
            ({"channel": "chat:lobby"}, 102),
            ({"channel": "presence of metrics"}, 102),
            ({"channel": "m" * 5000}, 102),
            ({"channel": ""}, 107),
            ({}, 107),
            ({"channel": "public", "type": 1}, 108),
            ({"channel": "metrics"}, 105),
            ({"channel": "public", "recover": True, "epoch": "_", "flag": 2}, 112),
        ],
    )
    async def test_refuses(self, web: Web, request_: dict[str, Any], code: int) -> None:
        async with connected(web) as socket:
            await socket.ask("subscribe", channel="metrics")
            assert await socket.error("subscribe", **request_) == code
            assert "ping" in await socket.ask("ping")

    async def test_may_be_tried_again_after_it_was_refused(self, web: Web) -> None:
        async with connected(web) as socket:
            await socket.error("subscribe", channel="public", recover=True, epoch="_", flag=2)
            assert "subscribe" in await socket.ask("subscribe", channel="public")

    async def test_takes_128_channels(self, web: Web) -> None:
        async with connected(web) as socket:
            await socket.send(
                *({"id": n, "subscribe": {"channel": f"instrument:X{n}"}} for n in range(1, 130))
            )
            replies = [await socket.get() for _ in range(129)]
        assert [reply["id"] for reply in replies] == list(range(1, 130))
        assert all("subscribe" in reply for reply in replies[:128])
        assert replies[128]["error"]["code"] == 106

    async def test_answers_to_one_frame_come_in_one_frame(self, web: Web) -> None:
        async with connected(web) as socket:
            socket.frames.clear()
            await socket.send(*({"id": n, "ping": {}} for n in range(1, 51)))
            replies = [await socket.get() for _ in range(50)]
        assert [reply["id"] for reply in replies] == list(range(1, 51))
        assert len(socket.frames) == 1


class TestRecovery:
    @pytest.mark.parametrize(
        ("missed", "is_recovered"), [(0, True), (1, True), (300, True), (301, False)]
    )
    async def test_brings_300_facts_at_most(
        self, web: Web, live: Live, missed: int, is_recovered: bool
    ) -> None:
        ids = live.commit(numbered(missed + 1))
        live.wait_until_logged(ids)
        at = live.logged(room="metrics")[-missed - 1][1]
        head = live.logged(room="metrics")[-1][1]
        async with connected(web) as socket:
            await socket.until_applied(head)
            reply = (await socket.ask("subscribe", channel="metrics", recover=True, offset=at))[
                "subscribe"
            ]
        assert reply.get("recovered", False) is is_recovered
        assert reply["was_recovering"]
        found = reply.get("publications", [])
        assert [each["data"]["id"] for each in found] == (ids[1:] if is_recovered else [])
        assert reply["offset"] == (at if found else head)

    async def test_from_the_log_where_memory_does_not_reach(self, live: Live) -> None:
        ids = live.commit(numbered(5))
        live.wait_until_logged(ids)
        positions = dict(live.logged(room="metrics"))
        with live.another_web() as late:
            async with connected(late) as socket:
                reply = (
                    await socket.ask(
                        "subscribe", channel="metrics", recover=True, offset=positions[ids[1]]
                    )
                )["subscribe"]
        assert [each["data"]["id"] for each in reply["publications"]] == ids[2:]

    @pytest.mark.parametrize(
        "position",
        [
            {"epoch": "another", "offset": 1},
            {"epoch": "_"},
            {"offset": 2**40},
            {"offset": 2**64 - 1},
        ],
    )
    async def test_is_not_promised_for_a_position_that_is_not_ours(
        self, web: Web, position: dict[str, Any]
    ) -> None:
        async with connected(web) as socket:
            reply = await socket.ask("subscribe", channel="metrics", recover=True, **position)
        assert reply["subscribe"]["was_recovering"]
        assert not reply["subscribe"].get("recovered", False)
        assert "publications" not in reply["subscribe"]

    async def test_meets_the_live_facts_without_hole_or_double(self, web: Web, live: Live) -> None:
        """Sockets come and go while facts flow; each sees all that follow its position."""
        live.wait_until_logged(live.commit(numbered(1)))
        start = live.logged(room="metrics")[-1][1]
        writing = asyncio.create_task(asyncio.to_thread(write_for_a_while, live))
        seen = await asyncio.gather(
            *(follow(web, offset=start, count=240, wait_s=n / 20) for n in range(20))
        )
        wanted = await writing
        assert len(wanted) == 250
        assert [n for n, ids in enumerate(seen) if ids != wanted[:240]] == []
        live.wait_until_logged(wanted)  # those who had seen enough have not waited for the last
        assert [id_ for id_, at in live.logged(room="metrics") if at > start] == wanted


def write_for_a_while(live: Live) -> list[str]:
    """The ids, in the order of the commits."""
    return [id_ for _ in range(25) for id_ in live.commit(numbered(10))]


async def follow(web: Web, *, offset: int, count: int, wait_s: float) -> list[str]:
    """The ids of the first facts after a position, however they come."""
    await asyncio.sleep(wait_s)  # so that some join in the middle
    async with connected(web) as socket:
        command = {"channel": "metrics", "recover": True, "offset": offset}
        reply = (await socket.ask("subscribe", **command))["subscribe"]
        assert reply["recovered"]
        ids = [each["data"]["id"] for each in reply.get("publications", [])]
        while len(ids) < count:
            ids.append((await socket.get())["push"]["pub"]["data"]["id"])
        return ids[:count]


class TestBadInput:
    @pytest.mark.parametrize(
        "frame",
        [
            "", " ", "\n", "nonsense", "{", "[]", "null", "1", '"x"', "{}",
            '{"id":1}', '{"ping":{}}', '{"id":0,"ping":{}}', '{"id":-1,"ping":{}}',
            '{"id":2,"nothing":{}}', '{"id":2,"connect":{}}', '{"id":2,"subscribe":"metrics"}',
            '{"id":2,"subscribe":{"channel":5}}', "[" * 60000, b"\x00", b'{"id":2,"ping":{}}',
        ],
    )  # fmt: skip
    async def test_that_is_no_command_ends_the_connection(
        self, web: Web, frame: str | bytes
    ) -> None:
        async with connected(web) as socket:
            await socket.connection.send(frame)
            assert await socket.closed() == 3501

    @pytest.mark.parametrize("frame", [b"", b"\x00", b"\xff", b"\x05\x08\x01", b"\x0a" * 999, "{}"])
    async def test_in_protobuf_too(self, web: Web, frame: str | bytes) -> None:
        async with opened(web, path="?format=protobuf") as socket:
            await socket.connection.send(frame)
            assert await socket.closed() == 3501

    @pytest.mark.parametrize(
        "frame", ['{"id":1,"subscribe":{"channel":"metrics"}}', '{"send":{}}', "{}"]
    )
    async def test_before_connect_ends_the_connection(self, web: Web, frame: str) -> None:
        async with opened(web) as socket:
            await socket.connection.send(frame)
            assert await socket.closed() == 3501

    async def test_over_64_kib_ends_the_connection(self, web: Web) -> None:
        async with connected(web) as socket:
            await socket.connection.send(" " * (64 * 1024 + 1))
            assert await socket.closed() == 1009

    @pytest.mark.parametrize("pieces", [[" " * 2**23], [" " * 30_000] * 5, [" " * 999] * 999])
    async def test_far_over_64_kib_too(self, web: Web, pieces: list[str]) -> None:
        async with connected(web) as socket:
            with suppress(ConnectionClosed):
                await socket.connection.send(pieces)
            assert await socket.closed() == 1009

    async def test_that_is_compressed_is_not_taken(self, web: Web) -> None:
        """No compression is agreed upon, so a frame that claims some is broken."""
        async with opened(web, compression="deflate") as socket:
            assert not socket.connection.protocol.extensions
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /connection/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        bomb = b"\xc1\xfe\x10\x00\x00\x00\x00\x00" + b"\x00" * 4096  # RSV1: compressed
        writer.write(bomb)
        async with asyncio.timeout(PATIENCE_S):
            assert (await reader.read())[:4][2:] == (1002).to_bytes(2, "big")
        writer.close()
        async with connected(web) as socket:
            assert "ping" in await socket.ask("ping")

    async def test_of_10_000_subscriptions_is_limited_and_harms_nobody(self, web: Web) -> None:
        async with connected(web) as other, connected(web) as socket:
            commands = [
                {"id": n, "subscribe": {"channel": f"instrument:N{n}"}} for n in range(1, 10_001)
            ]
            with suppress(ConnectionClosed):
                for first in range(0, 10_000, 500):
                    await socket.send(*commands[first : first + 500])
            codes: dict[int, int] = {}
            with suppress(ConnectionClosed):
                while True:
                    code = (await socket.get()).get("error", {}).get("code", 0)
                    codes[code] = codes.get(code, 0) + 1
            assert await socket.closed() == 3013
            assert codes.keys() == {0, 106, 111}
            assert codes[0] == 128
            assert "ping" in await other.ask("ping")


class TestOtherCommands:
    @pytest.mark.parametrize(
        ("method", "request_", "code"),
        [
            ("rpc", {}, 104),
            ("sub_refresh", {"channel": "metrics"}, 104),
            ("publish", {"channel": "metrics", "data": 1}, 103),
            ("publish", {"channel": "nowhere", "data": 1}, 102),
            ("publish", {"channel": "chat:lobby", "data": "x"}, 102),
            ("presence", {"channel": "metrics"}, 108),
            ("presence", {"channel": "nowhere"}, 102),
            ("presence_stats", {"channel": "metrics"}, 108),
            ("history", {"channel": "nowhere", "limit": 1}, 102),
            ("history", {"channel": "instrument:X", "limit": 1}, 108),
            ("history", {"channel": "metrics", "limit": 1, "since": {"epoch": "another"}}, 112),
            ("refresh", {}, 107),
        ],
    )
    async def test_are_refused(
        self, web: Web, method: str, request_: dict[str, Any], code: int
    ) -> None:
        async with connected(web) as socket:
            assert await socket.error(method, **request_) == code
            assert "ping" in await socket.ask("ping")

    async def test_unsubscribe_is_never_refused(self, web: Web) -> None:
        async with connected(web) as socket:
            assert await socket.ask("unsubscribe", channel="nowhere") == {
                "id": 7, "unsubscribe": {},
            }  # fmt: skip

    async def test_send_is_ignored(self, web: Web) -> None:
        async with connected(web) as socket:
            await socket.send({"send": {"data": 1}}, {"id": 3, "ping": {}})
            assert await socket.get() == {"id": 3, "ping": {}}


class TestEnds:
    async def test_of_a_session_end_its_sockets(self, web: Web) -> None:
        account = await asyncio.to_thread(web.register)
        async with connected(web, account.access) as socket:
            await asyncio.to_thread(web.log_out, account)
            assert await socket.closed() == 3500

    async def test_the_server_says_that_it_stops(self, live: Live) -> None:
        with live.another_web() as web:
            async with connected(web) as socket:
                ending = asyncio.create_task(asyncio.to_thread(web.end))
                assert await socket.closed() == 3001
                assert await ending == 0

    async def test_a_client_that_does_not_read_is_cut_and_harms_nobody(
        self, web: Web, live: Live
    ) -> None:
        with narrow_socket(web.port) as narrow:
            async with connected(web, max_queue=1, sock=narrow) as slow, connected(web) as healthy:
                for each in (slow, healthy):
                    await each.ask("subscribe", channel="metrics")
                for _ in range(10):  # 4 MB, as fast as the healthy one reads
                    ids = live.commit(numbered(100, bytes_each=4000))
                    got = [(await healthy.get())["push"]["pub"]["data"]["id"] for _ in ids]
                    assert got == ids
                assert await slow.ended() in (3008, None)


def narrow_socket(port: int) -> socket.socket:
    """Connected; the kernel takes little for it that is not read."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", port))
    return narrow
