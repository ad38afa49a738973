"""One room on one session: a stream of ours with what was missed, and all that follows."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from apps.realtime.limits import Connection, End
from apps.realtime.node import Node
from apps.realtime.recovery import Lost, Recovered
from apps.realtime.transports.backbone.warm import last_value
from apps.realtime.transports.webtransport.wire import LINES, reset_line
from apps.realtime.types import Message, Position, Viewer
from veza.kit.webtransport.session import Session

MAX_MISSED = 10_000
PIECE_BYTES = 32 * 1024
ROOMY_BYTES = 128 * 1024
PAUSE_S = 0.01
PATIENCE_S = 30.0
"""A client that takes nothing for so long is cut off."""

Told = Callable[[Recovered | Lost], None]


class RoomStream:
    """The hub's subscriber; its stream begins with it."""

    wire = LINES
    is_merged = False

    def __init__(self, connection: Connection, *, session: Session, node: Node, room: str) -> None:
        self.room = room
        self.stream = session.open_stream()
        self.is_open = True
        self._connection = connection
        self._session = session
        self._node = node

    @property
    def viewer(self) -> Viewer:
        return self._connection.viewer

    def write(self, data: bytes) -> None:
        """See hub.Subscriber."""
        self._session.write_to(self.stream, data)

    def expel(self, room: str) -> None:
        """See limits.Connection."""
        self._connection.expel(room)

    def end(self) -> None:
        """Leave the room, and end the stream behind what was sent."""
        if self.is_open:
            self.is_open = False
            self._node.hub.leave(self.room, self)
            self._session.write_to(self.stream, b"", is_last=True)

    def forget(self) -> None:
        """The session has gone."""
        self.is_open = False
        self._node.hub.forget(self)

    async def warm_up(self, told: Callable[[], None]) -> None:
        """Tell the last value, if the room keeps one, and all that follows."""
        value = await last_value(self._node, self.room)
        if not self.is_open:
            return
        told()
        if value is not None:
            self.write(LINES.frame(self.room, value))
        self._node.hub.join(self.room, self)

    async def catch_up(self, after: Position | str | None, told: Told) -> None:
        """Tell what was missed, as fast as the client reads, and all that follows. `told` is
        called once, when it is known where this begins. Raises LogUnavailableError.

        What happens meanwhile is asked for again, until the rest is one piece: it is written in
        the step in which the room is joined, so that nothing comes between.
        """
        place, is_first = after, True
        while self.is_open:
            found = await self._node.recover([self.room], place, MAX_MISSED)
            if not self.is_open:
                return
            if is_first:
                told(found)
                is_first = False
            if isinstance(found, Lost):
                self._begin_anew(found)
                return
            pieces = list(_pieces(self.room, found.messages))
            if len(pieces) <= 1:
                self._node.hub.join(self.room, self)
                if pieces:
                    self.write(pieces[0])
                return
            for piece in pieces:
                await self._write_with_patience(piece)
            place = found.head

    def _begin_anew(self, lost: Lost) -> None:
        self._node.hub.join(self.room, self)
        self.write(
            reset_line(self.room, head=lost.head, reason=lost.reason, newest_id=lost.newest_id)
        )

    async def _write_with_patience(self, piece: bytes) -> None:
        """Write it once the client has taken most of what was written before."""
        loop = asyncio.get_running_loop()
        least, since = self._session.buffered, loop.time()
        while self.is_open and (waiting := self._session.buffered) > ROOMY_BYTES:
            if waiting < least:
                least, since = waiting, loop.time()
            elif loop.time() - since > PATIENCE_S:
                self._connection.end(End.SLOW)
            await asyncio.sleep(PAUSE_S)
        self.write(piece)
        await asyncio.sleep(0)  # others have their turn, whatever this client can take


def _pieces(room: str, messages: Sequence[Message]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for message in messages:
        line = LINES.frame(room, message)
        if waiting and size + len(line) > PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(line)
        size += len(line)
    if waiting:
        yield b"".join(waiting)
