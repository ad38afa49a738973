"""A small client of the Centrifugo protocol in JSON, as it stands in the published specification.

It recovers by offset and epoch. Where too much was missed for one recovery it asks for the history
page by page, as an application would.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.faults.rig.facts import ROOM, seen
from tests.faults.rig.watchers import SILENCE_S, Start, Watcher

PAGE = 300
MOST_BYTES = 512 * 1024
BEAT_S = 1.5
Reply = dict[str, Any]


class RefusedError(OSError):
    """A command was answered with an error."""


@asynccontextmanager
async def opened(port: int, path: str = "/connection/websocket") -> AsyncIterator[ClientConnection]:
    """A WebSocket without pings of its own. Raises OSError."""
    try:
        async with connect(
            f"ws://127.0.0.1:{port}{path}", ping_interval=None, compression=None, proxy=None,
            open_timeout=SILENCE_S, close_timeout=0.2, max_size=None,
        ) as socket:  # fmt: skip
            yield socket
    except WebSocketException as fault:
        raise OSError(str(fault)) from fault


class Session:
    """Commands and pushes of one connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._waiting: list[Reply] = []
        self._number = 0

    async def ask(self, method: str, **request: Any) -> Reply:
        """The reply; what is pushed before it stays in line. Raises RefusedError."""
        number = await self.send(method, **request)
        passed = []
        while (reply := await self.next()).get("id") != number:
            passed.append(reply)
        self._waiting[:0] = passed
        if "error" in reply:
            raise RefusedError(f"{method}: {reply['error']}")
        result: Reply = reply[method]
        return result

    async def send(self, method: str, **request: Any) -> int:
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, method: request}))
        return self._number

    async def next(self) -> Reply:
        """The next reply or push. TimeoutError after SILENCE_S without a sign of life."""
        while not self._waiting:
            for line in str(await self._receive()).splitlines():
                message = json.loads(line)
                if message == {}:
                    await self._socket.send("{}")
                else:
                    self._waiting.append(message)
        return self._waiting.pop(0)

    async def _receive(self) -> str | bytes:
        try:
            return await asyncio.wait_for(self._socket.recv(), BEAT_S)
        except TimeoutError:
            await self.send("ping")
        return await asyncio.wait_for(self._socket.recv(), SILENCE_S)


class SocketWatcher(Watcher):
    """Keeps the offset and the epoch that it has reached."""

    room = ROOM

    def __init__(
        self, name: str, *, ports: Callable[[], Sequence[int]], start: Start, seed: int
    ) -> None:
        super().__init__(name, ports=ports, start=start, seed=seed)
        self._offset, self._epoch = start.position, start.epoch
        self.pages = 0

    async def _watch(self, port: int) -> None:
        async with opened(port) as socket:
            session = Session(socket)
            await session.ask("connect")
            await self._subscribe(session)
            self.connects += 1
            self.is_connected.set()
            while True:
                self._push(await session.next())

    async def _subscribe(self, session: Session) -> None:
        reply = await session.ask(
            "subscribe", channel=self.room, recover=True, offset=self._offset, epoch=self._epoch
        )
        if not reply.get("recovered"):
            await self._page(session, through=reply.get("offset", 0), epoch=reply["epoch"])
        for publication in reply.get("publications", ()):
            self._publication(publication)

    async def _page(self, session: Session, *, through: int, epoch: str) -> None:
        """All that was missed, since it was too much for one recovery."""
        if epoch != self._epoch:
            self.resets.append(f"epoch {epoch}")
            self._offset, self._epoch = through, epoch
            return
        missed = size = 0
        while self._offset < through:
            since = {"offset": self._offset, "epoch": self._epoch}
            reply = await session.ask("history", channel=self.room, limit=PAGE, since=since)
            self.pages += 1
            found = [p for p in reply.get("publications", ()) if p["offset"] <= through]
            for publication in found:
                self._publication(publication)
            missed += len(found)
            size += sum(len(json.dumps(publication["data"])) for publication in found)
            if not found:
                break
        if missed <= PAGE and size < MOST_BYTES:
            self.resets.append(f"recovered: false for {missed} facts")

    def _push(self, reply: Reply) -> None:
        push = reply.get("push", {})
        if "pub" in push:
            self._publication(push["pub"])
        elif "unsubscribe" in push:
            self.resets.append(f"unsubscribed: {push['unsubscribe']}")
            raise EOFError
        elif "disconnect" in push:
            raise EOFError

    def _publication(self, publication: Reply) -> None:
        data = publication["data"]
        self._offset = publication["offset"]
        self._take(
            seen(
                fact=data["id"],
                kind=data["type"],
                data=data["data"],
                position=publication["offset"],
            )
        )
