"""The names of rooms as programs use them: an instrument's needs no prefix."""

from typing import Any

from apps.realtime import rooms
from apps.realtime.transports.backbone.frames import RefusedError

INSTRUMENTS = "instrument:"
UNKNOWN = "There is no such room."


def name_in(frame: dict[str, Any]) -> str:
    """The room that a frame names, in `room` or in `data.room`. Raises RefusedError."""
    name = frame.get("room")
    data = frame.get("data")
    if name is None and isinstance(data, dict):
        name = data.get("room")
    if not isinstance(name, str) or not name or not name.isprintable():
        raise RefusedError("invalid_field", "room: the name of a room")
    return name


def room_of(name: str) -> str:
    """The full name of the room. Raises RefusedError for what can be no room's name.

    A name without a prefix that is a declared room's own, like `metrics`, is that room.
    """
    if name.startswith(INSTRUMENTS) or (":" not in name and rooms.resolve(name) is None):
        room = INSTRUMENTS + name.removeprefix(INSTRUMENTS)
        if rooms.resolve(room) is None:
            raise RefusedError("invalid_field", "room: 1 to 64 of A-Z a-z 0-9 _ . / -")
        return room
    if rooms.resolve(name) is None:
        raise RefusedError("room_not_found", UNKNOWN)
    return name


def is_short(name: str) -> bool:
    """Whether the client names instruments without their prefix."""
    return not name.startswith(INSTRUMENTS)
