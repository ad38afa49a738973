"""What clients of the event backbone may send, as the apps that understand it register it.

The transport knows frames, roles and rooms; a domain knows its messages: which form they have, who
sends them, and what becomes of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from apps.realtime.ephemera import ephemeral
from apps.realtime.rooms import resolve
from apps.realtime.types import Message, Viewer
from veza.kit.errors import InvalidError

T = TypeVar("T")

Frame = Mapping[str, Any]
"""One object as a client sent it."""
Members = Mapping[str, Any]
"""What stands in a frame to clients beside `type` and `room`."""


class Role(Enum):
    """What a connection is for; it follows from its address."""

    CONSUMER = "consumer"
    INGESTOR = "ingestor"


class InvalidFieldError(InvalidError):
    """A field of a message is missing or not of its form; the message says which and how."""

    code = "invalid_field"
    message = "A field is missing or has the wrong form."


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who sent a message, and the full name of the room that it was sent to, if any."""

    viewer: Viewer
    room: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageType(Generic[T]):
    """One type of message of a domain."""

    domain: str
    name: str
    """The `type` of its frames."""
    sent_by: Role
    validate: Callable[[Frame], T]
    """Pure; raises InvalidFieldError. Members that it does not know mean nothing."""
    handle: Callable[[T, Sender], None]
    """Runs on the event loop: neither waits nor queries."""
    is_to_room: bool = False
    """Its frames name a `room` that the sender has joined and where the room's rule lets him
    publish; the transport has checked both before `handle` is called."""


_types: dict[str, MessageType[Any]] = {}
_shapes: dict[str, Callable[[Message], Members]] = {}
_last_value_types: dict[str, str] = {}


def register(message_type: MessageType[Any]) -> None:
    """Take messages of this type from now on; a type has one domain."""
    known = _types.get(message_type.name)
    if known is not None and known.domain != message_type.domain:
        raise ValueError(f"{message_type.name} is registered by the domain {known.domain}.")
    _types[message_type.name] = message_type


def find(name: str) -> MessageType[Any] | None:
    """The type with this name; None where no domain has it."""
    return _types.get(name)


def show_as(type: str, shape: Callable[[Message], Members]) -> None:  # noqa: A002
    """Have messages of this type stand in frames to clients as `shape` says."""
    _shapes[type] = shape


def last_value_as(pattern: str, type: str) -> None:  # noqa: A002
    """Have the last values of rooms of this pattern stand in messages of this type."""
    _last_value_types[pattern] = type


def last_value_message(room: str, data: Any) -> Message:
    """The room's last value as whoever joins the room gets it."""
    rule = resolve(room)
    kind = _last_value_types.get(rule.pattern, "") if rule else ""
    return ephemeral(kind or "last_value", data)


def members_of(message: Message) -> Members:
    """What a frame to clients holds beside `type` and `room`: the shape of its type, or `data`
    with `id`, `position` and `epoch` where it has them.
    """
    shape = _shapes.get(message.type)
    if shape is not None:
        return shape(message)
    members: dict[str, Any] = {"data": message.data}
    if message.id is not None:
        members["id"] = message.id
    if message.position is not None:
        members |= {"position": message.position, "epoch": message.epoch}
    return members
