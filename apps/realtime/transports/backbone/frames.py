"""The frames of the backbone: what is read, and what is answered. No state."""

import json
import time
from typing import Any, NoReturn

import msgspec

from apps.realtime.domains import members_of
from apps.realtime.types import Message, to_json


class MalformedError(Exception):
    """This is no JSON; the connection ends with 1007."""


class RefusedError(Exception):
    """What was asked for is not done; the connection goes on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read(text: str) -> dict[str, Any]:
    """The object in a text frame; it has a `type`. Raises MalformedError and RefusedError."""
    try:
        found = _decode(text)
    except (ValueError, RecursionError):
        found = _read_unusual(text)
    if type(found) is not dict or type(found.get("type")) is not str:
        raise RefusedError("invalid_message", "A message is a JSON object with a type.")
    return found


def update(room: str, message: Message, *, is_warm: bool = False) -> bytes:
    """A message in a room, under the name by which the client knows it."""
    members = message.cached("backbone", _members)
    end = b',"warm":true}' if is_warm else b"}"
    return b'{"type":%b,"room":%b,%b%b' % (to_json(message.type), to_json(room), members, end)


def ack(action: str, room: str) -> bytes:
    return to_json({"type": "ack", "data": {"action": action, "room": room}})


def error(refused: RefusedError) -> bytes:
    return to_json({"type": "error", "code": refused.code, "detail": refused.detail})


def pong() -> bytes:
    """With the server's time in Unix milliseconds."""
    return to_json({"type": "pong", "data": {"timestamp": time.time_ns() // 1_000_000}})


def _read_unusual(text: str) -> Any:
    """What is no JSON, and JSON that only the slower parser takes."""
    try:
        return _decode_unusual(text)
    except json.JSONDecodeError:
        raise MalformedError from None
    except (ValueError, RecursionError):  # JSON, with more digits or depth than anyone needs
        raise RefusedError("invalid_message", "Numbers are shorter and objects flatter.") from None


def _members(message: Message) -> bytes:
    return to_json(members_of(message))[1:-1]


def _no_json(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON", constant, 0)


_decode = msgspec.json.Decoder().decode
_decode_unusual = json.JSONDecoder(parse_constant=_no_json).decode
