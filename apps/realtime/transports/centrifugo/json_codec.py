"""Newline-delimited JSON, held to the tables of `schema`."""

from typing import Any

from rest_framework.exceptions import ParseError

from apps.realtime.transports.centrifugo.schema import COMMAND, Field, Kind, MalformedError, Shape
from apps.realtime.types import to_json
from veza.kit.api.parsers import read_json

PING = b"{}"
_RANGES = {
    Kind.UINT32: (0, 1 << 32),
    Kind.UINT64: (0, 1 << 64),
    Kind.INT32: (-1 << 31, 1 << 31),
    Kind.INT64: (-1 << 63, 1 << 63),
}


class RawJSON(bytes):
    """JSON that is encoded already; it stands in a reply as it is."""


def decode_commands(frame: str) -> list[dict[str, Any]]:
    """The commands of a frame, oldest first. Raises MalformedError."""
    return [_checked(COMMAND, read_value(line)) for line in frame.split("\n") if line.strip()]


def encode_reply(reply: dict[str, Any]) -> bytes:
    """A reply or push, on one line."""
    return encode_value(reply)


def encode_replies(replies: list[bytes]) -> bytes:
    """Several of them as one frame."""
    return b"\n".join(replies)


def read_value(text: str) -> Any:
    """Any JSON. Raises MalformedError."""
    try:
        return read_json(text)
    except ParseError:
        raise MalformedError from None


def encode_value(value: Any) -> bytes:
    """JSON of a value that may hold RawJSON."""
    if isinstance(value, RawJSON):
        return value
    if isinstance(value, dict):
        members = [to_json(key) + b":" + encode_value(item) for key, item in value.items()]
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(encode_value, value)) + b"]"
    return to_json(value)


def _checked(shape: Shape, value: Any) -> dict[str, Any]:
    """The members that the shape knows. One that is null counts as absent."""
    if not isinstance(value, dict):
        raise MalformedError
    known = {name: value[name] for name in shape.fields if value.get(name) is not None}
    return {name: _checked_value(shape.fields[name], item) for name, item in known.items()}


def _checked_value(field: Field, value: Any) -> Any:
    kind = field.kind
    if not isinstance(kind, Kind):
        return _checked(kind, value)
    if kind is Kind.JSON:
        return value
    if kind in _RANGES:
        lowest, beyond = _RANGES[kind]
        is_right = type(value) is int and lowest <= value < beyond
    else:
        is_right = type(value) is (bool if kind is Kind.BOOL else str)
    if not is_right:
        raise MalformedError
    return value
