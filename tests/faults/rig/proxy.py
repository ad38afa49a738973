"""Every link between two processes: a TCP proxy that can be slowed, held up and cut.

The proxies run on an event loop in a thread of their own, so a test that is busy does not slow
the links. Faults are plain attributes, which any thread may set.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

PIECE_BYTES = 64 * 1024
HELD_TICK_S = 0.005


@dataclass
class Weather:
    """What the link does to bytes; `up` goes to the server. The default is a good link."""

    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    cut_after: int | None = None
    """Cut each connection, by RST, once so many bytes have come down."""
    holds_up: bool = False
    """Bytes wait, as when packets are lost and repeated until the link is back."""
    holds_down: bool = False
    refuses: bool = False
    """New connections are reset at once."""


class Link:
    """One way between a client and a server; listens on `port` for as long as its board."""

    def __init__(self, board: "Board", name: str, target: int) -> None:
        self.name = name
        self.port = 0
        self.weather = Weather()
        self.carried = 0
        self._target = target
        self._board = board
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def heal(self) -> None:
        """Good weather again; what was held goes on."""
        self.weather = Weather()

    def cut(self, *, reset: bool = True) -> None:
        """End all connections that are open now, by RST, or in good order."""
        self._board.run(self._cut(reset=reset))

    def half_close(self) -> None:
        """Tell both ends of each connection that nothing more will come, and let them speak."""
        self._board.run(self._half_close())

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._cut(reset=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.refuses:
            _abort(writer)
            return
        try:
            to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _abort(writer)
            return
        self._open |= {writer, to_server[1]}
        up = asyncio.create_task(self._pump(reader, to_server[1], is_up=True))
        down = asyncio.create_task(self._pump(to_server[0], writer, is_up=False))
        self._tasks |= {up, down}
        await asyncio.gather(up, down, return_exceptions=True)
        self._tasks -= {up, down}
        for each in (writer, to_server[1]):
            self._open.discard(each)
            _abort(each, reset=False)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool
    ) -> None:
        passed = 0
        try:
            while data := await reader.read(PIECE_BYTES):
                await self._travel(len(data), is_up=is_up)
                limit = self.weather.cut_after
                if not is_up and limit is not None and passed + len(data) > limit:
                    writer.write(data[: max(0, limit - passed)])
                    await writer.drain()
                    raise ConnectionResetError
                passed += len(data)
                self.carried += len(data)
                writer.write(data)
                await writer.drain()
            await self._travel(0, is_up=is_up)
            writer.write_eof()
        except (OSError, asyncio.CancelledError):
            _abort(writer)
            reader.feed_eof()

    async def _travel(self, size: int, *, is_up: bool) -> None:
        while self.weather.holds_up if is_up else self.weather.holds_down:
            await asyncio.sleep(HELD_TICK_S)
        weather = self.weather
        delay_s = weather.latency_s + (size / weather.bytes_per_s if weather.bytes_per_s else 0.0)
        if delay_s:
            await asyncio.sleep(delay_s)

    async def _cut(self, *, reset: bool) -> None:
        for writer in list(self._open):
            _abort(writer, reset=reset)

    async def _half_close(self) -> None:
        for writer in list(self._open):
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()


def _abort(writer: asyncio.StreamWriter, *, reset: bool = True) -> None:
    sock = writer.get_extra_info("socket")
    if reset and sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Board:
    """All links of a rig."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()

    def link(self, name: str, target: int) -> Link:
        """The link of this name, to a port of this machine; made when it is new."""
        if name not in self.links:
            link = self.links[name] = Link(self, name, target)
            self.run(link.listen())
        return self.links[name]

    def heal(self) -> None:
        for link in self.links.values():
            link.heal()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        for link in self.links.values():
            self.run(link.end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
