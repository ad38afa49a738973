"""From what a client has missed to what happens now, without a hole or a double."""

import asyncio
from collections.abc import Collection, Iterator, Sequence

from apps.realtime.node import Node
from apps.realtime.recovery import Lost
from apps.realtime.transports.sse.client import Client
from apps.realtime.transports.sse.wire import EventWire, reset_chunk
from apps.realtime.types import Message, Position
from veza.kit.asgi.port import http_chunk

MAX_FACTS = 10_000
PIECE_BYTES = 32 * 1024
"""So much is written at once, and may still lie there when more is written."""
PAUSE_S = 0.01
PATIENCE_S = 30.0
"""A client that takes nothing for so long is cut off."""


async def catch_up(
    client: Client, *, wire: EventWire, node: Node, rooms: Sequence[str], after: str | None
) -> None:
    """Write what the rooms got after the fact `after`, and join them.

    A client that is far behind is written to as fast as it reads. What happened meanwhile is
    asked for again, until the rest fits into one piece: that is written in the step in which the
    client joins, so that nothing comes between.
    """
    place: Position | str | None = after
    while client.is_open:
        found = await node.recover(rooms, place, MAX_FACTS)
        if isinstance(found, Lost):
            _join(client, node, rooms)
            client.write(
                reset_chunk(head=found.head, reason=found.reason, newest_id=found.newest_id)
            )
            return
        pieces = _pieces(wire, found.messages, frozenset(rooms))
        last = next(pieces, b"")
        following = next(pieces, None)
        if following is None:
            _join(client, node, rooms)
            if last:
                client.write(http_chunk(last))
            return
        await _write(client, last)
        await _write(client, following)
        for piece in pieces:
            await _write(client, piece)
        place = found.head


def _join(client: Client, node: Node, rooms: Sequence[str]) -> None:
    for room in rooms:
        node.hub.join(room, client)


def _pieces(wire: EventWire, facts: Sequence[Message], rooms: Collection[str]) -> Iterator[bytes]:
    """Their events, as many in a piece as fit; none for no facts."""
    waiting: list[bytes] = []
    size = 0
    for fact in facts:
        room = next(each for each in fact.rooms if each in rooms)  # as the hub chooses it
        event = wire.event(room, fact)
        if waiting and size + len(event) > PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(event)
        size += len(event)
    if waiting:
        yield b"".join(waiting)


async def _write(client: Client, piece: bytes) -> None:
    """Write it once the client has taken most of what was written before.

    The server's own clock does not help here: for it, so little waits that all is well.
    """
    loop = asyncio.get_running_loop()
    least, since = client.buffered, loop.time()
    while client.is_open and client.buffered > PIECE_BYTES:
        await asyncio.sleep(PAUSE_S)
        if client.buffered < least:
            least, since = client.buffered, loop.time()
        elif loop.time() - since > PATIENCE_S:
            client.cut()
    client.write(http_chunk(piece))
    await asyncio.sleep(0)  # others have their turn, whatever this client can take
