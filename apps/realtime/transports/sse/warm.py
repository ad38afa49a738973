"""The last values of rooms that keep one: what a client gets of such a room first."""

from collections.abc import Sequence

from apps.realtime.domains import last_value_message
from apps.realtime.hub import Wire
from apps.realtime.node import Node
from apps.realtime.rooms import resolve
from apps.realtime.transports.sse.client import Client
from apps.realtime.transports.sse.wire import EventWire


class _Gap:
    """Keeps what is published to one room while its last value is read: that is newer."""

    is_merged = True

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.frames: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.frames.append(data)


async def join_with_last_values(
    client: Client, *, wire: EventWire, node: Node, rooms: Sequence[str]
) -> None:
    """Join those of the rooms that keep a last value, each with that value first, if it has one."""
    gaps = {room: _Gap(wire) for room in rooms if _keeps_last_value(room)}
    if not gaps:
        return
    for room, gap in gaps.items():
        node.hub.join(room, gap)
    try:
        values = await node.last_values.get(gaps)
        for room, gap in gaps.items():
            node.hub.join(room, client)  # lets go of what waits for the room, before it is read
            if not gap.frames and room in values:
                gap.write(wire.frame(room, last_value_message(room, values[room])))
            client.write(b"".join(gap.frames))
    finally:
        for gap in gaps.values():
            node.hub.forget(gap)


def _keeps_last_value(room: str) -> bool:
    rule = resolve(room)
    return rule is not None and rule.keeps == "last_value"
