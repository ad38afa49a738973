"""A bare WebSocket that speaks the protocol in JSON, also where no SDK would."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.apps.realtime.live import Web
from tests.patience import PATIENCE_S, PATIENT

Reply = dict[str, Any]


class Socket:
    """What is received is taken apart into replies and pushes; pings are answered."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[str] = []
        self._waiting: list[Reply] = []

    async def send(self, *commands: Reply) -> None:
        """All of them in one frame."""
        await self.connection.send("\n".join(map(json.dumps, commands)))

    async def get(self) -> Reply:
        """The next reply or push."""
        async with asyncio.timeout(PATIENCE_S):
            while not self._waiting:
                frame = await self.connection.recv()
                assert isinstance(frame, str)
                self.frames.append(frame)
                self._waiting = [reply for reply in map(json.loads, frame.split("\n")) if reply]
                if "{}" in frame.split("\n"):
                    await self.connection.send("{}")
        return self._waiting.pop(0)

    async def ask(self, method: str, **request: Any) -> Reply:
        """Send one command; the next reply or push."""
        await self.send({"id": 7, method: request})
        return await self.get()

    async def error(self, method: str, **request: Any) -> int:
        """The code with which it is refused."""
        reply = await self.ask(method, **request)
        assert reply["error"]["message"]
        code: int = reply["error"]["code"]
        return code

    async def until_applied(self, position: int) -> None:
        """Until the process has handed out the fact at this position."""
        while (await self.ask("history", channel="public"))["history"]["offset"] < position:
            await asyncio.sleep(0.01)

    async def ended(self) -> int | None:
        """The close code, or None for one that a client who does not read never saw."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionClosed):
                while True:
                    await self.get()
        end = self.connection.protocol.close_rcvd
        return end.code if end else None

    async def closed(self, *, because: str = "") -> int:
        """The code, once the server has closed; there is always a reason, which is plain text."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionClosed):
                while True:
                    await self.get()
        end = self.connection.protocol.close_rcvd
        assert end is not None, "cut without a close frame"
        assert end.reason
        assert because in end.reason
        assert not end.reason.startswith("{")
        return end.code


@asynccontextmanager
async def opened(web: Web, *, path: str = "", **options: Any) -> AsyncIterator[Socket]:
    """A socket on which nothing was said yet."""
    url = f"{web.ws_url}/connection/websocket{path}"
    options = PATIENT | {"compression": None, "proxy": None, "max_size": None} | options
    async with connect(url, **options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def connected(web: Web, token: str = "", **options: Any) -> AsyncIterator[Socket]:
    """A socket whose `connect` was answered."""
    async with opened(web, **options) as socket:
        reply = await socket.ask("connect", token=token)
        assert reply["connect"]["client"]
        yield socket
