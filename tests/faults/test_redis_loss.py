"""P6: with Redis dead, hung, unreachable or emptied each process goes on by itself."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.faults.rig.programs import Web
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.system import System
from tests.faults.rig.trial import trial
from tests.faults.rig.waiting import say, until, until_elsewhere

SETTLES_S = 2.0
LOCAL_WITHIN_S = 1.0
TOGETHER_WITHIN_S = 10.0
ROOM = "chat:rig"


def kill(system: System) -> None:
    system.redis.kill()


def hang(system: System) -> None:
    system.redis.signal(signal.SIGSTOP)


def unreachable(system: System) -> None:
    for name, link in system.board.links.items():
        if name.endswith(">redis"):
            link.weather.holds_up = link.weather.holds_down = True


def flush(system: System) -> None:
    system.redis_command("FLUSHALL")


class Talker:
    """A member of an open chat room on one process; nothing of what is said there is kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self.heard: dict[str, float] = {}
        self._socket = socket
        self.reading = asyncio.create_task(self._read())

    async def join(self) -> None:
        await self._socket.send(json.dumps({"type": "join", "room": ROOM}))
        await until(lambda: "joined" in self.heard, what="the room is joined")

    async def say(self, text: str) -> None:
        await self._socket.send(json.dumps({"type": "message", "room": ROOM, "data": text}))

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame)
            if message["type"] == "ack":
                self.heard["joined"] = time.monotonic()
            elif message["type"] == "message":
                self.heard[message["data"]] = time.monotonic()


@asynccontextmanager
async def talker(web: Web, token: str) -> AsyncIterator[Talker]:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"ws://127.0.0.1:{web.client_port}/ws"
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        talker = Talker(socket)
        try:
            await talker.join()
            yield talker
        finally:
            talker.reading.cancel()
            await asyncio.gather(talker.reading, return_exceptions=True)


async def _slowest_said(first: Talker, second: Talker, *, texts: int) -> float:
    """How long what one says takes to the other, at worst."""
    slowest = 0.0
    for number in range(texts):
        text = f"{time.monotonic()}-{number}"
        began = time.monotonic()
        await first.say(text)
        await until(lambda text=text: text in second.heard, what="it is heard")  # type: ignore[misc]
        slowest = max(slowest, second.heard[text] - began)
    return slowest


async def _hear_each_other(first: Talker, second: Talker) -> float:
    """How long until what one says reaches the other at all."""
    began = time.monotonic()
    number = 0
    while not any(text.startswith("again") for text in second.heard):
        assert time.monotonic() - began < TOGETHER_WITHIN_S, "the processes stay apart"
        number += 1
        await first.say(f"again-{number}")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


@pytest.mark.parametrize("break_it", [kill, hang, unreachable, flush])
async def test_without_redis_local_life_goes_on(
    system: System, break_it: Callable[[System], None]
) -> None:
    async with trial(system) as run:
        first, second = system.webs
        token = system.tokens[1]
        async with (
            talker(first, token) as here,
            talker(first, token) as beside,
            talker(second, token) as elsewhere,
        ):
            await run.watch(sse=2, sockets=2)
            await run.write(api=2, publishers=1, pause_s=SIZE.pause_s)
            await _hear_each_other(here, elsewhere)
            elsewhere.heard.clear()
            break_it(system)
            await asyncio.sleep(SETTLES_S)
            assert await _slowest_said(here, beside, texts=10) < LOCAL_WITHIN_S
            if break_it is not flush:
                await until_elsewhere(
                    lambda: _readiness(first) == (200, "down"),
                    within_s=5, what="/readyz tells of the loss and stays 200",
                )  # fmt: skip
            await system.heal()
            say(f"together again after {await _hear_each_other(here, elsewhere):.2f} s")
        assert run.api is not None
        await run.judge(at_least=20)
        refused = {status: n for status, n in run.api.statuses.items() if status >= 500}
        assert not refused, f"answers of the API: {run.api.statuses}"


def _readiness(web: Web) -> tuple[int, str]:
    status, document = web.get("/readyz")
    return status, document["dependencies"]["redis"]["state"]
