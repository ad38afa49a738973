"""Protobuf by the tables of `schema`: varint-delimited messages, `data` as the bytes of its JSON.

Written for hostile input: whatever the bytes are, reading them takes one pass, allocates no more
than they hold, and ends in a value or in MalformedError.
"""

from typing import Any

from apps.realtime.transports.centrifugo.json_codec import encode_value, read_value
from apps.realtime.transports.centrifugo.schema import (
    COMMAND,
    REPLY,
    Field,
    Kind,
    MalformedError,
    Shape,
)  # fmt: skip

PING = b"\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_BITS = {Kind.UINT32: 32, Kind.INT32: 32, Kind.UINT64: 64, Kind.INT64: 64, Kind.BOOL: 64}
_SIGNED = (Kind.INT32, Kind.INT64)


def decode_commands(frame: bytes) -> list[dict[str, Any]]:
    """The commands of a frame, oldest first. Raises MalformedError."""
    commands = []
    at = 0
    while at < len(frame):
        message, at = _read_bytes(frame, at)
        commands.append(_decode(COMMAND, message))
    return commands


def encode_reply(reply: dict[str, Any]) -> bytes:
    """A reply or push, with its length before it."""
    return _delimited(_encode(REPLY, reply))


def encode_replies(replies: list[bytes]) -> bytes:
    """Several of them as one frame."""
    return b"".join(replies)


def _decode(shape: Shape, message: bytes) -> dict[str, Any]:
    values: dict[str, Any] = {}
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise MalformedError
        value, at = _read_wire(message, at, wire)
        name, field = shape.by_number.get(number, ("", None))
        if field is not None and wire == _wire_type(field):
            values[name] = _value(field, value, values.get(name))
    return values


def _wire_type(field: Field) -> int:
    return _VARINT if isinstance(field.kind, Kind) and field.kind in _BITS else _BYTES


def _value(field: Field, raw: Any, before: Any) -> Any:
    kind = field.kind
    if not isinstance(kind, Kind):
        return (before or {}) | _decode(kind, raw)  # a message in pieces is one message
    if kind is Kind.BOOL:
        return bool(raw)
    if kind is Kind.TEXT:
        return _text(raw)
    if kind is Kind.JSON:
        return read_value(_text(raw))
    bits = _BITS[kind]
    number = raw & ((1 << bits) - 1)
    return number - (1 << bits) if kind in _SIGNED and number >> (bits - 1) else number


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedError from None


def _read_wire(message: bytes, at: int, wire: int) -> tuple[Any, int]:
    if wire == _VARINT:
        return _read_varint(message, at)
    if wire == _BYTES:
        return _read_bytes(message, at)
    size = {_FIXED64: 8, _FIXED32: 4}.get(wire, len(message))  # groups are refused
    if at + size > len(message):
        raise MalformedError
    return None, at + size


def _read_bytes(message: bytes, at: int) -> tuple[bytes, int]:
    length, at = _read_varint(message, at)
    if length > len(message) - at:
        raise MalformedError
    return message[at : at + length], at + length


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(message[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * shift)
        if not byte & 0x80:
            return value, at + shift + 1
    raise MalformedError


def _encode(shape: Shape, values: dict[str, Any]) -> bytes:
    parts = []
    for name, value in values.items():
        field = shape.fields[name]
        parts += [_encode_field(field, item) for item in _items(field, value)]
    return b"".join(parts)


def _items(field: Field, value: Any) -> list[Any]:
    if field.many == "map":
        return list(value.items())
    return value if field.many else [value]


def _encode_field(field: Field, value: Any) -> bytes:
    if _wire_type(field) == _VARINT:
        return _varint(field.number << 3) + _varint(int(value) % (1 << 64)) if value else b""
    return _varint(field.number << 3 | _BYTES) + _delimited(_encode_value(field, value))


def _encode_value(field: Field, value: Any) -> bytes:
    kind = field.kind
    if field.many == "map":
        key, item = value
        entry = Shape(key=(1, Kind.TEXT), value=(2, kind))
        return _encode(entry, {"key": key, "value": item})
    if not isinstance(kind, Kind):
        return _encode(kind, value)
    return value.encode() if kind is Kind.TEXT else encode_value(value)


def _delimited(message: bytes) -> bytes:
    return _varint(len(message)) + message


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >> 7:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
