"""The warm start: what a room that keeps its last value tells to whoever joins it."""

from apps.realtime import rooms
from apps.realtime.domains import last_value_message
from apps.realtime.hub import Wire
from apps.realtime.node import Node
from apps.realtime.types import Message


async def last_value(node: Node, room: str) -> Message | None:
    """None where the room keeps none, or has none. What was published while the store was asked
    is newer than its answer.
    """
    rule = rooms.resolve(room)
    if rule is None or rule.keeps != "last_value":
        return None
    newest = Newest()
    node.hub.join(room, newest)
    try:
        found = await node.last_values.get([room])
    finally:
        node.hub.forget(newest)
    if newest.message is not None:
        return newest.message
    return last_value_message(room, found[room]) if room in found else None


class Newest:
    """A subscriber, and a wire of its own, that keeps the newest message of a room."""

    name = "newest"
    is_merged = False

    def __init__(self) -> None:
        self.message: Message | None = None

    @property
    def wire(self) -> Wire:
        return self

    def frame(self, room: str, message: Message) -> bytes:
        self.message = message
        return b""

    def join_frames(self, frames: list[bytes]) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        """What it keeps, it took in `frame`."""
