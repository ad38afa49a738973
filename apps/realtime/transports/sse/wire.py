"""How messages stand in an event stream, and on the socket: each event is one HTTP chunk."""

import random

from apps.realtime.limits import End
from apps.realtime.logs import LostReason
from apps.realtime.types import Message, Position, to_json
from veza.kit.asgi.port import http_chunk


class EventWire:
    """A hub.Wire. An event holds the `data` of the message, or its whole envelope."""

    def __init__(self, name: str, *, is_whole: bool) -> None:
        self.name = name
        self.is_whole = is_whole

    def event(self, room: str, message: Message) -> bytes:
        """The lines of the event and the empty one that ends it."""
        data = message.envelope_json(room) if self.is_whole else message.data_json()
        head = b"" if message.id is None else b"id: %b\n" % message.id.encode()
        return head + b"event: %b\ndata: %b\n\n" % (message.type.encode(), data)

    def frame(self, room: str, message: Message) -> bytes:
        """As a chunk; made once for each message, or for each of its rooms where they differ."""
        key = (self, room) if self.is_whole else self
        return message.cached(key, lambda each: http_chunk(self.event(room, each)))

    def join_frames(self, frames: list[bytes]) -> bytes:
        return b"".join(frames)


DATA = EventWire("sse", is_whole=False)
ENVELOPE = EventWire("sse-envelope", is_whole=True)

RETRY_MS = (1_000, 5_000)
"""After a shutdown clients come back within this time, not all at once."""

CONNECTED = http_chunk(b"data: connected\n\n")
DISCONNECTED = b"data: disconnected\n\n"
HEARTBEAT = http_chunk(b":\n\n")


def reset_chunk(*, head: Position, reason: LostReason | str, newest_id: str | None) -> bytes:
    """What was missed cannot be told; the client is to go on from the newest fact.

    Where that has no id the empty one makes the client forget its own, which led nowhere.
    """
    data = to_json({"epoch": head.epoch, "position": head.offset, "reason": reason})
    return http_chunk(b"id: %b\nevent: reset\ndata: %b\n\n" % ((newest_id or "").encode(), data))


def goodbye(reason: End) -> bytes:
    """What a client is told at the end; after a shutdown, also when to come back."""
    is_shutdown = reason is End.SHUTDOWN
    retry_ms = random.randint(*RETRY_MS)  # noqa: S311 - no secret
    return http_chunk((b"retry: %d\n" % retry_ms if is_shutdown else b"") + DISCONNECTED)
