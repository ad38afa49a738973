"""Rooms over WebTransport, as a program uses them, on a running installation."""

import asyncio
import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes

from tests.apps.realtime.live import Account, Live, Web
from tests.apps.realtime.webtransport.client import connected, opened
from tests.apps.realtime.webtransport.serving import WebTransportProgram

PROCESSES = """
import json
from apps.realtime import selectors
print(json.dumps([
    [each.role, each.rooms, [[c.username, c.transport, c.rooms] for c in each.connections]]
    for each in selectors.list_processes() if each.role == "webtransport"
]))
"""
READING = {"metric_id": "01936f2e-8bff-7c11-8a07-1d9e3f5a7b20", "value": 1.5}


class TestRooms:
    async def test_tell_what_is_published_one_stream_each(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            where = await client.subscribe("metrics")
            await client.subscribe("public")
            [fact] = live.commit([READING], rooms=["metrics", "public"])
            await client.until(lambda: client.told("metrics") and client.told("public"))

            [[first], [second]] = client.streams.values()
            assert first["id"] == second["id"] == fact
            assert {first["room"], second["room"]} == {"metrics", "public"}
            assert first["data"] == READING
            assert first["epoch"] == where["epoch"]
            assert first["position"] > where["position"]

    async def test_are_the_same_as_on_the_backbone(
        self, web: Web, server: WebTransportProgram, account: Account
    ) -> None:
        async with opened(server.port) as client:
            unknown = await client.ask(type="subscribe", room="nothing:here")
            of_others = await client.ask(type="subscribe", room=f"user:{account.id}")
            assert unknown["code"] == of_others["code"] == "room_not_found"
        async with opened(server.port, token=account.access) as client:
            assert (await client.subscribe(f"user:{account.id}"))["room"] == f"user:{account.id}"

    async def test_of_instruments_begin_with_the_last_value(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        live.ingest(web, {"instrument": "WT_USDT", "price": 7.5, "ts": 1})
        async with opened(server.port) as client:
            assert (await client.subscribe("WT_USDT"))["room"] == "WT_USDT"
            room = "instrument:WT_USDT"
            await client.until(lambda: client.told(room))
            live.ingest(web, {"instrument": "WT_USDT", "price": 8.5, "ts": 2})
            await client.until(lambda: len(client.told(room)) == 2)
            assert [each["data"]["price"] for each in client.told(room)] == [7.5, 8.5]

    async def test_that_are_left_are_silent(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            await client.subscribe("metrics")
            left = await client.ask(type="unsubscribe", room="metrics")
            assert left["data"] == {"action": "unsubscribed", "room": "metrics"}
            again = await client.ask(type="unsubscribe", room="metrics")
            assert again["code"] == "not_a_member"
            await client.subscribe("public")
            live.commit([READING], rooms=["metrics"])
            live.commit([READING], rooms=["public"])
            await client.until(lambda: client.told("public"))
            assert client.told("metrics") == []

    async def test_whose_stream_is_stopped_are_left(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            await client.subscribe("metrics")
            live.commit([READING])
            await client.until(lambda: client.told("metrics"))
            [stream] = client.streams
            client.stop(stream)
            await client.until(lambda: client.answers[-1]["data"].get("action") == "unsubscribed")
            assert (await client.ask(type="unsubscribe", room="metrics"))["code"] == "not_a_member"

    async def test_are_128_at_most(self, web: Web, server: WebTransportProgram) -> None:
        async with opened(server.port) as client:
            for number in range(128):
                client.say(type="subscribe", room=f"WT{number}")
            answer = await client.ask(type="ping")
            await client.until(lambda: len(client.answers) == 129)
            more = await client.ask(type="subscribe", room="metrics")
            assert answer["type"] == "ack"
            assert more["code"] == "too_many_rooms"


class TestResuming:
    async def test_brings_what_was_missed_once_and_in_order(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            await client.subscribe("metrics")
            [seen] = live.commit([READING])
            await client.until(lambda: client.told("metrics"))
            place = client.told("metrics")[0]
        missed = live.commit([READING | {"value": n} for n in range(900)])
        live.wait_until_logged(missed)
        by_id = {"after": seen}
        by_position = {"after": {"position": place["position"], "epoch": place["epoch"]}}
        for after in (by_id, by_position):
            async with opened(server.port) as client:
                where = await client.subscribe("metrics", **after)
                assert where["recovered"] is True
                await client.until(lambda c=client: len(c.told("metrics")) >= len(missed))
                [later] = live.commit([READING])
                await client.until(lambda c=client: len(c.told("metrics")) > len(missed))
                assert [each["id"] for each in client.told("metrics")] == [*missed, later]
            missed.append(later)

    async def test_after_what_nobody_knows_says_so(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            cases = (
                ("01936f2e-8bff-7c11-8a07-000000000000", ("unknown", "expired")),
                ("nonsense", ("invalid",)),
                ({"position": 1, "epoch": "other"}, ("epoch",)),
            )
            for number, (after, reason) in enumerate(cases, 1):
                where = await client.subscribe("metrics", after=after)
                assert where["recovered"] is False
                await client.until(lambda n=number: len(client.streams) == n)
                await client.until(lambda: client.streams[max(client.streams)])
                [reset] = client.streams[max(client.streams)]
                assert reset["type"] == "reset"
                assert reset["data"]["reason"] in reason
                assert reset["data"]["position"] == where["position"]
            wrong = await client.ask(type="subscribe", room="metrics", after=7)
            assert wrong["code"] == "invalid_field"

    async def test_goes_on_after_the_process_was_killed(
        self, live: Live, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port) as client:
            await client.subscribe("metrics")
            [seen] = live.commit([READING])
            await client.until(lambda: client.told("metrics"))
            server.kill()
        missed = live.commit([READING] * 50)
        server.start()
        async with opened(server.port) as client:
            await client.subscribe("metrics", after=seen)
            await client.until(lambda: len(client.told("metrics")) >= 50)
            assert [each["id"] for each in client.told("metrics")] == missed


class TestGames:
    async def test_are_subscribed_by_the_address(
        self, web: Web, server: WebTransportProgram
    ) -> None:
        async with opened(server.port, "/wt/games/dice?after=nonsense") as client:
            await client.until(lambda: client.told("game:dice"))
            assert client.told("game:dice")[0]["data"]["reason"] in ("invalid", "epoch", "unknown")
            assert (await client.ask(type="unsubscribe", room="game:dice"))["type"] == "ack"

    async def test_need_a_name_that_a_game_can_have(
        self, web: Web, server: WebTransportProgram
    ) -> None:
        for path, code in (("/wt/games/a%20b", "room_not_found"), ("/elsewhere", "not_found")):
            async with opened(server.port, path) as client:
                assert client.status == 404
                await client.until(lambda c=client: c.body)
                assert json.loads(client.body)["code"] == code


async def test_where_it_is_stands_at_its_address(web: Web, server: WebTransportProgram) -> None:
    told = web.call("GET", "/api/v1/webtransport").json()
    assert told["url"].endswith(f":{server.port}/wt")
    assert [each["algorithm"] for each in told["certificate_hashes"]] == ["sha-256"]
    async with connected(server.port) as client:
        certificate = client._quic.tls._peer_certificate
        assert certificate is not None
        met = certificate.fingerprint(hashes.SHA256())
    assert b64encode(met).decode() == told["certificate_hashes"][0]["value"]


class TestOperators:
    async def test_see_sessions_with_their_rooms(
        self, live: Live, server: WebTransportProgram, account: Account
    ) -> None:
        async with opened(server.port, token=account.access) as client:
            await client.subscribe("metrics")
            await client.subscribe("BTC_USDT")
            shown: list[Any] = []
            while not shown:  # it reports every 2 s; those of other tests may not be forgotten yet
                told = await asyncio.to_thread(
                    live.manage, "shell", "--no-imports", "-c", PROCESSES
                )
                shown = [each for each in json.loads(told) if "metrics" in each[1]]
            [[role, rooms, connections]] = shown

        assert role == "webtransport"
        assert rooms == {"metrics": 1, "instrument:BTC_USDT": 1}
        [[_, transport, its_rooms]] = [each for each in connections if each[2]]
        assert transport == "webtransport"
        assert its_rooms == ["metrics", "instrument:BTC_USDT"]
