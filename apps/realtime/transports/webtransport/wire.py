"""How messages and places stand on a session: an envelope a line."""

from typing import Any

from apps.realtime.ephemera import ephemeral
from apps.realtime.hub import Wire
from apps.realtime.recovery import Lost
from apps.realtime.transports.backbone.frames import RefusedError
from apps.realtime.types import Message, Position, to_json

RESET = "reset"
_PLACE = "after: the id of a message, or its {position, epoch}"


class EnvelopeLines:
    """The whole envelope with the room, as everywhere, and the end of a line."""

    name = "webtransport"

    def frame(self, room: str, message: Message) -> bytes:
        return message.envelope_json(room) + b"\n"

    def join_frames(self, frames: list[bytes]) -> bytes:
        return b"".join(frames)


LINES: Wire = EnvelopeLines()


def line(document: bytes) -> bytes:
    """An answer on the stream of the commands."""
    return document + b"\n"


def reset_line(room: str, *, head: Position, reason: str, newest_id: str | None = None) -> bytes:
    """It cannot be told what was missed: what the client shows is to be read anew. What follows
    comes after this place; `data.id` is the id to resume by, if there is one.
    """
    data: dict[str, Any] = {"epoch": head.epoch, "position": head.offset, "reason": reason}
    if newest_id is not None:
        data["id"] = newest_id
    return LINES.frame(room, ephemeral(RESET, data))


def subscribed(name: str, *, head: Position | None, found: object, is_resuming: bool) -> bytes:
    """The acknowledgement: where the client stands, and whether it has missed nothing."""
    data: dict[str, Any] = {"action": "subscribed", "room": name}
    if head is not None:
        data |= {"position": head.offset, "epoch": head.epoch}
    if is_resuming:
        data["recovered"] = not isinstance(found, Lost)
    return to_json({"type": "ack", "data": data})


def place_in(frame: dict[str, Any]) -> Position | str | None:
    """After which message the client goes on; None: from now on. Raises RefusedError."""
    after = frame.get("after")
    if after is None or (isinstance(after, str) and after):
        return after
    if isinstance(after, dict):
        position, epoch = after.get("position"), after.get("epoch")
        if type(position) is int and isinstance(epoch, str):
            return Position(position, epoch)
    raise RefusedError("invalid_field", _PLACE)
