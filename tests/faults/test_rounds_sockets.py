"""Rounds on both WebSockets: joined, told once, recovered after a cut and a restart, or said to be
lost.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.faults.rig.centrifugo import RefusedError, Session, opened
from tests.faults.rig.road import GAME, TYPE, Road
from tests.faults.rig.waiting import until_elsewhere

GAME_ROOM, TYPE_ROOM = f"game:{GAME}", f"game-type:{TYPE}"
WITHIN_S = 60


@pytest.fixture
async def carried(road: Road) -> Road:
    await until_elsewhere(road.is_carried, what="rounds are carried")
    return road


@asynccontextmanager
async def centrifugo(road: Road) -> AsyncIterator[Session]:
    async with opened(road.webs[0].port) as socket:
        session = Session(socket)
        await session.ask("connect")
        yield session


async def publication(session: Session) -> dict[str, Any]:
    push: dict[str, Any] = (await asyncio.wait_for(session.next(), WITHIN_S))["push"]
    return push


async def place_of(session: Session, road: Road) -> dict[str, Any]:
    """Offset and epoch behind a round that has come."""
    reply = await session.ask("subscribe", channel=GAME_ROOM)
    number = road.insert()
    told = (await publication(session))["pub"]
    assert told["data"]["data"]["id"] == number
    return {"offset": told["offset"], "epoch": told["data"]["epoch"] or reply["epoch"]}


class TestCentrifugo:
    async def test_a_round_comes_to_each_room_in_its_envelope(self, carried):
        async with centrifugo(carried) as session:
            for room in (GAME_ROOM, TYPE_ROOM):
                reply = await session.ask("subscribe", channel=room)
                assert reply["recoverable"] is True
            number = carried.insert()
            told = [await publication(session) for _ in range(2)]

        assert {each["channel"] for each in told} == {GAME_ROOM, TYPE_ROOM}
        for each in told:
            envelope = each["pub"]["data"]
            assert envelope["type"] == "round.finished"
            assert envelope["room"] == each["channel"]
            assert envelope["position"] == each["pub"]["offset"]
            assert envelope["data"]["id"] == number
            assert (envelope["data"]["game_slug"], envelope["data"]["game_type"]) == (GAME, TYPE)
        assert told[0]["pub"]["data"]["id"] == told[1]["pub"]["data"]["id"]

    async def test_a_name_that_no_game_can_have_is_no_room(self, carried):
        async with centrifugo(carried) as session:
            with pytest.raises(RefusedError, match="102"):
                await session.ask("subscribe", channel="game:no such game")

    async def test_the_history_tells_what_the_room_keeps(self, carried):
        async with centrifugo(carried) as session:
            place = await place_of(session, carried)
            carried.insert(3)
            last = [(await publication(session))["pub"]["offset"] for _ in range(3)]
            on = await session.ask("history", channel=GAME_ROOM, limit=2, since=place)
            back = await session.ask("history", channel=GAME_ROOM, limit=2, reverse=True)

        assert [each["offset"] for each in on["publications"]] == last[:2]
        assert [each["offset"] for each in back["publications"]] == [last[2], last[1]]
        assert on["offset"] == last[2]

    @pytest.mark.parametrize("restarts", [False, True], ids=["after a cut", "after a restart"])
    async def test_what_was_missed_is_recovered(self, carried, restarts):
        async with centrifugo(carried) as session:
            place = await place_of(session, carried)
        if restarts:
            carried.webs[0].kill()
        last = carried.insert(40)
        if restarts:
            await carried.webs[0].start()
        async with centrifugo(carried) as session:
            found: list[dict[str, Any]] = []
            reply = await session.ask("subscribe", channel=GAME_ROOM, recover=True, **place)
            assert reply["recovered"] is True
            found += reply.get("publications", [])
            while len(found) < 40:
                found.append((await publication(session))["pub"])

        assert [each["data"]["data"]["id"] for each in found] == [*range(last - 39, last + 1)]

    async def test_who_comes_too_late_is_told_so(self, carried):
        async with centrifugo(carried) as session:
            place = await place_of(session, carried)
        last = carried.insert(400)
        await until_elsewhere(lambda: carried.latest() == last, what="all are projected")
        for wrong in ({}, {"epoch": "another"}):
            async with centrifugo(carried) as session:
                async with asyncio.timeout(WITHIN_S):
                    while (await session.ask("history", channel=GAME_ROOM))["offset"] < (
                        place["offset"] + 400
                    ):
                        await asyncio.sleep(0.05)
                reply = await session.ask(
                    "subscribe", channel=GAME_ROOM, recover=True, **(place | wrong)
                )
                assert reply["was_recovering"] is True
                assert not reply.get("recovered")
                assert "publications" not in reply


class TestBackbone:
    async def test_a_round_comes_to_each_room_under_its_full_name(self, carried):
        async with opened(carried.webs[0].port, "/ws") as socket:
            await join(socket, GAME_ROOM, TYPE_ROOM)
            number = carried.insert()
            told = [await frame(socket) for _ in range(2)]

        assert {each["room"] for each in told} == {GAME_ROOM, TYPE_ROOM}
        for each in told:
            assert each["type"] == "round.finished"
            assert each["data"]["id"] == number
            assert {"id", "position", "epoch"} <= each.keys()

    async def test_a_name_that_no_game_can_have_is_no_room(self, carried):
        async with opened(carried.webs[0].port, "/ws") as socket:
            await socket.send(json.dumps({"type": "join", "room": "game:no such game"}))
            refused = await frame(socket)

        assert (refused["type"], refused["code"]) == ("error", "room_not_found")

    async def test_what_was_missed_while_the_server_was_away_is_asked_for(self, carried):
        async with opened(carried.webs[0].port, "/ws") as socket:
            await join(socket, GAME_ROOM)
            before = carried.insert()
            last = await frame(socket)
            assert last["data"]["id"] == before
        carried.webs[0].kill()
        missed = [carried.insert() for _ in range(3)]
        await carried.webs[0].start()
        async with opened(carried.webs[0].port, "/ws") as socket:
            await join(socket, GAME_ROOM)
            await until_elsewhere(lambda: carried.latest() == missed[-1], what="all are projected")
            query = {"after": last["id"], "rooms": GAME_ROOM}
            async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as client:
                url = f"http://127.0.0.1:{carried.webs[0].port}/api/v1/events"
                page = (await client.get(url, params=query)).raise_for_status().json()

        assert [each["data"]["id"] for each in page["results"]] == missed
        assert [each["position"] for each in page["results"]] == [
            *range(last["position"] + 1, last["position"] + 4)
        ]


async def join(socket: Any, *rooms: str) -> None:
    for room in rooms:
        await socket.send(json.dumps({"type": "join", "room": room}))
        assert (await frame(socket))["data"] == {"action": "subscribed", "room": room}


async def frame(socket: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), WITHIN_S))
    return found
