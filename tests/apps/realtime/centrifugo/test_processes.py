"""What holds over all processes: a user's limit, presence after a crash, what operators see."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.apps.realtime.centrifugo.sockets import Socket, opened
from tests.apps.realtime.live import Account, Live, Web
from tests.faults.rig.proxy import Board
from tests.patience import PATIENCE_S

LIMIT = 10
_LIST = """
import json
from apps.realtime.selectors import list_processes
print(json.dumps([
    {"counts": each.counts, "rooms": each.rooms, "pid": each.pid,
     "connections": [[c.name, c.username, c.transport, c.rooms] for c in each.connections]}
    for each in list_processes()
]))
"""
# The process that orders goes, and its thread needs a moment: how long, a busy machine decides.
_END = """
import time
from apps.realtime.services import end_connection
end_connection({!r})
time.sleep(1)
"""


@asynccontextmanager
async def signed_in(web: Web, account: Account, **options: Any) -> AsyncIterator[Socket]:
    async with opened(web, **options) as socket:
        await socket.ask("connect", token=account.access)
        yield socket


async def closes(socket: Socket) -> int:
    return await socket.closed(because="limit")


async def test_the_oldest_of_a_user_gives_way_over_all_processes(web: Web, live: Live) -> None:
    account = web.register()
    with live.another_web() as other:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(signed_in(web, account))
            second = await stack.enter_async_context(signed_in(other, account))
            rest = [
                await stack.enter_async_context(signed_in(each, account))
                for _ in range(LIMIT // 2)
                for each in (web, other)
            ]

            assert [await closes(first), await closes(second)] == [3504, 3504]
            for socket in rest:
                assert (await socket.ask("ping"))["id"] == 7


async def test_who_was_on_a_process_that_crashed_is_no_longer_there(web: Web, live: Live) -> None:
    here, gone = web.register(), web.register()
    room = f"chat:{here.username}"
    with live.another_web() as other:
        async with signed_in(web, here) as socket, signed_in(other, gone) as lost:
            for each in (socket, lost):
                await each.ask("subscribe", channel=room)
            await _until_there(socket, room, {here.id, gone.id})

            other.kill()

            await _until_there(socket, room, {here.id})


async def test_who_fell_silent_without_a_word_is_no_longer_there(web: Web) -> None:
    """Half-open: nothing comes from him any more, and nothing tells that he is gone."""
    here, silent = web.register(), web.register()
    room = f"chat:{here.username}"
    board = Board()
    try:
        link = await asyncio.to_thread(board.link, "silent", web.port)
        route = {"host": "127.0.0.1", "port": link.port}
        async with signed_in(web, here) as socket, signed_in(web, silent, **route) as lost:
            for each in (socket, lost):
                await each.ask("subscribe", channel=room)
            await _until_there(socket, room, {here.id, silent.id})

            link.weather.holds_up = link.weather.holds_down = True

            await _until_there(socket, room, {here.id})
            link.heal()
    finally:
        await asyncio.to_thread(board.close)


async def _until_there(socket: Socket, room: str, users: set[str]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await _there(socket, room) != users:
            await asyncio.sleep(0.1)


async def _there(socket: Socket, room: str) -> set[str]:
    found = await socket.ask("presence", channel=room)
    return {client["user"] for client in found["presence"]["presence"].values()}


async def test_operators_see_connections_and_end_them(web: Web, live: Live) -> None:
    account = web.register()
    async with signed_in(web, account) as socket:
        await socket.ask("subscribe", channel="metrics")
        name = await _named(live, account)

        ended = asyncio.create_task(socket.closed(because="force"))
        while not ended.done():
            await asyncio.to_thread(live.manage, "shell", "--no-imports", "-c", _END.format(name))

        assert await ended == 3503


async def _named(live: Live, account: Account) -> str:
    """The name under which the processes report the account's socket, once they have."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            printed = await asyncio.to_thread(live.manage, "shell", "--no-imports", "-c", _LIST)
            reports: list[dict[str, Any]] = json.loads(printed)
            for report in reports:
                for name, username, transport, rooms in report["connections"]:
                    if username == account.username and rooms:
                        assert (transport, rooms) == ("websocket", ["metrics"])
                        assert report["rooms"]["metrics"] >= 1
                        assert report["counts"]["websocket"] >= 1
                        return str(name)
