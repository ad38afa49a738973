"""The published SDKs, unmodified, against a running server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.apps.realtime.backbone.client import data_producer, ingestor
from tests.apps.realtime.centrifugo.sockets import connected
from tests.apps.realtime.live import Account, Live, Web
from tests.apps.realtime.sdk.clients import KINDS, Client, ReplyError, client_of
from tests.apps.realtime.sdk.proxy import Proxy, proxy_to
from tests.apps.realtime.sdk.tokens import token_for


@pytest.fixture(scope="session")
def producer(live: Live) -> Account:
    """An account with the role `ingestor`."""
    return data_producer(live)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def proxy(web: Web) -> AsyncIterator[Proxy]:
    async with proxy_to(web.port) as proxy:
        yield proxy


@pytest.fixture
async def client(kind: str, proxy: Proxy) -> AsyncIterator[Client]:
    async with client_of(kind, proxy.url) as client:
        yield client


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"value": number} for number in range(count)]


class TestFacts:
    async def test_come_in_order_with_their_positions(self, client: Client, live: Live) -> None:
        await client.connect()
        subscribed = await client.subscribe("metrics")
        assert subscribed["recoverable"]
        assert subscribed["positioned"]
        ids = live.commit(numbered(20))
        await client.until_received("metrics", ids)
        assert client.received("metrics") == ids
        positions = dict(live.logged(room="metrics"))
        last = client.publications("metrics")[-1]
        assert last["offset"] == positions[ids[-1]]
        assert last["data"]["position"] == last["offset"]
        assert last["data"]["room"] == "metrics"
        assert last["data"]["data"] == {"value": 19}

    async def test_come_once_for_each_subscription(self, client: Client, live: Live) -> None:
        await client.connect()
        await client.subscribe("metrics")
        await client.subscribe("public")
        ids = live.commit(numbered(3), rooms=("metrics", "public"))
        await client.until_received("metrics", ids)
        await client.until_received("public", ids)
        assert client.received("public") == client.received("metrics") == ids

    async def test_stop_after_unsubscribe_and_are_made_up_for_later(
        self, client: Client, live: Live
    ) -> None:
        await client.connect()
        await client.subscribe("metrics")
        await client.act("unsubscribe", channel="metrics")
        await client.until("unsubscribed", channel="metrics")
        ids = live.commit(numbered(3))
        live.wait_until_logged(ids)
        await client.act("resubscribe", channel="metrics")
        await client.until_received("metrics", ids)
        assert client.received("metrics") == ids


class TestRecovery:
    async def test_after_a_cut_brings_what_was_missed_once(
        self, client: Client, live: Live, proxy: Proxy
    ) -> None:
        await client.connect()
        await client.subscribe("metrics")
        before = live.commit(numbered(5))
        await client.until_received("metrics", before)
        proxy.cut()
        await client.until("connecting")
        missed = live.commit(numbered(60))
        live.wait_until_logged(missed)
        proxy.mend()
        subscribed = await client.until("subscribed", channel="metrics")
        after = live.commit(numbered(5))
        await client.until_received("metrics", after)
        assert subscribed["was_recovering"]
        assert subscribed["recovered"]
        assert client.received("metrics") == before + missed + after

    @pytest.mark.parametrize("is_killed", [False, True])
    async def test_after_a_restart_of_the_server_brings_what_was_missed_once(
        self, client: Client, live: Live, web: Web, is_killed: bool
    ) -> None:
        await client.connect()
        await client.subscribe("metrics")
        before = live.commit(numbered(5))
        await client.until_received("metrics", before)
        (web.kill if is_killed else web.end)()
        missed = live.commit(numbered(20))
        live.wait_until_logged(missed)
        await asyncio.to_thread(web.start)
        subscribed = await client.until("subscribed", channel="metrics")
        after = live.commit(numbered(5))
        await client.until_received("metrics", after)
        assert subscribed["recovered"]
        assert client.received("metrics") == before + missed + after

    async def test_that_comes_too_late_is_told(
        self, client: Client, live: Live, proxy: Proxy, web: Web
    ) -> None:
        await client.connect()
        await client.subscribe("metrics")
        proxy.cut()
        await client.until("connecting")
        live.wait_until_logged(live.commit(numbered(301)))
        async with connected(web) as socket:
            await socket.until_applied(live.logged(room="metrics")[-1][1])
        proxy.mend()
        subscribed = await client.until("subscribed", channel="metrics")
        after = live.commit(numbered(2))
        await client.until_received("metrics", after)
        assert subscribed["was_recovering"]
        assert not subscribed["recovered"]
        assert client.received("metrics") == after

    async def test_goes_on_from_a_position_of_another_transport(
        self, client: Client, live: Live
    ) -> None:
        ids = live.commit(numbered(4))
        live.wait_until_logged(ids)
        positions = dict(live.logged(room="metrics"))
        ((epoch,),) = live.query("SELECT epoch FROM events_epoch")
        await client.connect()
        since = {"offset": positions[ids[1]], "epoch": epoch}
        subscribed = await client.subscribe("metrics", since=since)
        await client.until_received("metrics", ids)
        assert subscribed["recovered"]
        assert client.received("metrics") == ids[2:]


class TestTokens:
    async def test_open_the_rooms_of_their_users(
        self, client: Client, web: Web, live: Live
    ) -> None:
        account = web.register()
        room = f"user:{account.id}"
        await client.connect(token=account.access)
        await client.subscribe(room)
        ids = live.commit(numbered(1), rooms=(room,))
        await client.until_received(room, ids)

    async def test_that_are_forged_end_it(self, client: Client, account: Account) -> None:
        await client.act("connect", token=account.access[:-2] + "xx")
        assert (await client.until("disconnected"))["code"] == 3500

    async def test_of_an_ended_session_end_it(self, client: Client, web: Web) -> None:
        account = web.register()
        await client.connect(token=account.access)
        web.log_out(account)
        assert (await client.until("disconnected"))["code"] == 3500
        await client.act("connect", token=account.access)
        assert (await client.until("disconnected"))["code"] == 3500

    async def test_are_refreshed_without_a_break(
        self, client: Client, live: Live, account: Account
    ) -> None:
        short = token_for(live, account, lifetime_s=2)
        await client.connect(token=short, tokens=[account.access])
        await client.subscribe("metrics")
        await client.until("get_token")
        ids = live.commit(numbered(1))
        await client.until_received("metrics", ids)
        states = [event["event"] for event in client.events]
        assert states.count("connected") == 1
        assert "disconnected" not in states

    async def test_that_have_expired_are_replaced(
        self, client: Client, live: Live, account: Account
    ) -> None:
        old = token_for(live, account, lifetime_s=-10)
        await client.act("connect", token=old, tokens=[account.access])
        await client.until("get_token")
        await client.until("connected")


class TestRooms:
    async def test_of_others_do_not_exist(self, client: Client, account: Account) -> None:
        await client.connect(token=account.access)
        room = "user:00000000-0000-7000-8000-000000000000"
        await client.act("subscribe", channel=room, options={})
        unsubscribed = await client.until("unsubscribed", channel=room)
        assert unsubscribed["code"] == 102

    async def test_of_chats_take_what_is_published(
        self, client: Client, kind: str, proxy: Proxy, account: Account
    ) -> None:
        async with client_of(kind, proxy.url) as other:
            for each in (client, other):
                await each.connect(token=account.access)
                await each.subscribe("chat:lobby")
            await client.act("publish", channel="chat:lobby", data="hello")
            for each in (client, other):
                said = await each.until("publication", channel="chat:lobby")
                assert said["data"]["data"]["text"] == "hello"
                assert said["offset"] == 0

    @pytest.mark.parametrize(
        ("channel", "data", "code"),
        [("metrics", "hello", 103), ("nowhere", "hello", 102), ("chat:lobby", "", 107),
         ("chat:lobby", {"other": 1}, 107), ("chat:lobby", "x" * 2001, 107)],
    )  # fmt: skip
    async def test_refuse_what_may_not_be_published(
        self, client: Client, account: Account, channel: str, data: Any, code: int
    ) -> None:
        await client.connect(token=account.access)
        with pytest.raises(ReplyError) as refused:
            await client.act("publish", channel=channel, data=data)
        assert refused.value.code == code

    async def test_tell_who_is_there(
        self, client: Client, kind: str, proxy: Proxy, account: Account, web: Web
    ) -> None:
        room = (
            f"chat:{uuid4().hex[:12]}"  # of this test: the last one's members may still be leaving
        )
        mine = await client.connect(token=account.access)
        await client.subscribe(room, join_leave=True)
        other_account = web.register()
        async with client_of(kind, proxy.url) as other:
            other_id = (await other.connect(token=other_account.access))["client"]
            await other.subscribe(room)
            joined = await client.until("join", client=other_id)
            assert joined["user"] == other_account.id
            assert joined["info"] == {"username": other_account.username}
            found = await client.act("presence", channel=room)
            assert {key: each["user"] for key, each in found.items()} == {
                mine["client"]: account.id, other_id: other_account.id,
            }  # fmt: skip
            stats = await client.act("presence_stats", channel=room)
            assert stats == {"clients": 2, "users": 2}
            assert not [each for each in other.events if each["event"] == "join"]
        await client.until("leave", client=other_id)
        assert list(await client.act("presence", channel=room)) == [mine["client"]]

    async def test_without_presence_say_so(self, client: Client) -> None:
        await client.connect()
        with pytest.raises(ReplyError) as refused:
            await client.act("presence", channel="metrics")
        assert refused.value.code == 108


class TestInstruments:
    async def test_begin_with_the_last_value_and_recover_it(
        self, client: Client, live: Live, web: Web, proxy: Proxy, producer: Account
    ) -> None:
        name = f"X{len(KINDS)}_{id(client)}"
        channel = f"instrument:{name}"
        with ingestor(web, token=producer.access) as feed:
            feed.send(type="price_update", instrument=name, price=1.5, ts=1).rest()
            await client.connect()
            subscribed = await client.subscribe(channel)
            assert subscribed["recoverable"]
            assert (await price_in(client, channel)) == 1.5
            feed.send(type="price_update", instrument=name, price=2.5, ts=2).rest()
            assert (await price_in(client, channel)) == 2.5
            proxy.cut()
            await client.until("connecting")
            feed.send(type="price_update", instrument=name, price=3.5, ts=3).rest()
            proxy.mend()
            subscribed = await client.until("subscribed", channel=channel)
            assert subscribed["was_recovering"]
            assert subscribed["recovered"]
            assert (await price_in(client, channel)) == 3.5


async def price_in(client: Client, channel: str) -> float:
    """Of the next publication."""
    event = await client.until("publication", channel=channel)
    assert event["data"]["type"] == "price_update"
    assert event["data"]["room"] == channel
    price: float = event["data"]["data"]["price"]
    return price


class TestHistory:
    async def test_is_read_in_pages_in_both_directions(self, client: Client, live: Live) -> None:
        ids = live.commit(numbered(7))
        live.wait_until_logged(ids)
        positions = dict(live.logged(room="metrics"))
        await client.connect()
        await client.subscribe("metrics")
        position = await client.act("history", channel="metrics", options={})
        assert position["publications"] == []
        assert position["offset"] >= positions[ids[-1]]
        since = {"offset": positions[ids[2]], "epoch": position["epoch"]}
        forwards = await client.act(
            "history", channel="metrics", options={"limit": 2, "since": since}
        )
        assert [each["data"]["id"] for each in forwards["publications"]] == ids[3:5]
        backwards = await client.act(
            "history", channel="metrics", options={"limit": 2, "since": since, "reverse": True}
        )
        assert [each["data"]["id"] for each in backwards["publications"]] == [ids[1], ids[0]]
        newest = await client.act(
            "history", channel="metrics", options={"limit": 1, "reverse": True}
        )
        assert newest["publications"][0]["data"]["id"] == ids[-1]

    async def test_of_another_epoch_is_lost(self, client: Client) -> None:
        await client.connect()
        with pytest.raises(ReplyError) as refused:
            await client.act(
                "history", channel="metrics",
                options={"limit": 1, "since": {"offset": 1, "epoch": "another"}},
            )  # fmt: skip
        assert refused.value.code == 112


async def test_there_is_no_rpc(client: Client) -> None:
    await client.connect()
    with pytest.raises(ReplyError) as refused:
        await client.act("rpc")
    assert refused.value.code == 104


async def test_the_oldest_connection_gives_way(kind: str, live: Live) -> None:
    with live.another_web(MAX_CONNECTIONS_PER_USER=1) as web:
        account = web.register()
        url = f"{web.ws_url}/connection/websocket"
        async with client_of(kind, url) as first, client_of(kind, url) as second:
            await first.connect(token=account.access)
            await second.connect(token=account.access)
            assert (await first.until("disconnected"))["code"] == 3504
