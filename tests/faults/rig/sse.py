"""A client of event streams (HTML Living Standard, section 9.2) over a plain socket."""

import asyncio
import json
from collections.abc import Callable, Sequence

from tests.faults.rig.facts import ROOM, seen
from tests.faults.rig.watchers import SILENCE_S, Start, Watcher

PATH = "/api/v1/events/watch"
Fields = dict[str, str]


class RefusedError(OSError):
    """Answered with another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Stream:
    """One open stream. `receive_bytes` makes the client's window small."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._lines: list[str] = []
        self._rest = b""

    @classmethod
    async def open(  # noqa: PLR0913 - each is a choice of its own
        cls,
        port: int,
        *,
        rooms: str = ROOM,
        after: str = "",
        token: str = "",
        is_whole: bool = False,
        sock: object = None,
    ) -> "Stream":
        """Raises RefusedError, and OSError or EOFError when it breaks."""
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(sock=sock)
            if sock is not None
            else asyncio.open_connection("127.0.0.1", port),
            SILENCE_S,
        )
        stream = cls(reader, writer)
        head = [f"GET {PATH}?rooms={rooms}{'&envelope=1' if is_whole else ''} HTTP/1.1"]
        head += ["Host: 127.0.0.1", "Accept: text/event-stream"]
        head += [f"Last-Event-ID: {after}"] if after else []
        head += [f"Authorization: Bearer {token}"] if token else []
        try:
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
            await stream._read_head()
        except BaseException:
            stream.close()
            raise
        return stream

    async def _read_head(self) -> None:
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), SILENCE_S)
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            raise RefusedError(status)

    async def next(self) -> Fields:
        """The next event; EOFError at the end, TimeoutError after SILENCE_S without anything."""
        fields: Fields = {}
        while True:
            line = await self._line()
            if line:
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
            elif fields:
                return fields

    async def _line(self) -> str:
        while not self._lines:
            size = int(await asyncio.wait_for(self._reader.readline(), SILENCE_S) or b"0", 16)
            if not size:
                raise EOFError
            chunk = await asyncio.wait_for(self._reader.readexactly(size + 2), SILENCE_S)
            *lines, self._rest = (self._rest + chunk[:-2]).split(b"\n")
            self._lines = [line.decode() for line in lines]
        return self._lines.pop(0)

    def close(self) -> None:
        self.writer.transport.abort()


class SseWatcher(Watcher):
    """Comes back with `Last-Event-ID`. With whole envelopes it knows positions too."""

    def __init__(
        self, name: str, *, ports: Callable[[], Sequence[int]], start: Start, seed: int
    ) -> None:
        super().__init__(name, ports=ports, start=start, seed=seed)
        self._is_whole = bool(seed % 2)

    async def _watch(self, port: int) -> None:
        stream = await Stream.open(port, after=self.last_fact, is_whole=self._is_whole)
        self.connects += 1
        try:
            while True:
                self._event(await stream.next())
        finally:
            stream.close()

    def _event(self, fields: Fields) -> None:
        kind = fields.get("event", "message")
        if kind == "message":
            self.is_connected.set() if fields["data"] == "connected" else None
            return
        data = json.loads(fields["data"])
        if kind == "reset":
            self.resets.append(data["reason"])
            self.last_fact = fields["id"]
            return
        position = data["position"] if self._is_whole else None
        data = data["data"] if self._is_whole else data
        self._take(seen(fact=fields["id"], kind=kind, data=data, position=position))
