"""The two forms of the protocol on a socket: JSON in text frames, Protobuf in binary ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.realtime.transports.centrifugo import json_codec, protobuf_codec
from apps.realtime.transports.centrifugo.json_codec import RawJSON
from apps.realtime.transports.centrifugo.schema import MalformedError
from apps.realtime.types import Message
from veza.kit.asgi.port import binary_frame, text_frame

JOINED_BYTES = 64 * 1024
"""Messages are put into one frame up to this size, and into several of one write beyond it."""
JOIN, LEAVE = "presence.join", "presence.leave"
_AUDIENCE = "presence of "
_KINDS = {JOIN: "join", LEAVE: "leave"}


def audience_of(channel: str) -> str:
    """The hub's room of those who want to hear who joins and leaves a channel.

    The space keeps clients out: no room that they can name has one.
    """
    return _AUDIENCE + channel


def publication(room: str, message: Message) -> dict[str, Any]:
    """A message as the protocol has it; only facts have an offset."""
    pub: dict[str, Any] = {"data": RawJSON(message.envelope_json(room))}
    return pub if message.position is None else pub | {"offset": message.position}


def push_of(room: str, message: Message) -> dict[str, Any]:
    """The push that brings a message of the hub."""
    kind = _KINDS.get(message.type)
    if kind is None or not room.startswith(_AUDIENCE):
        return {"push": {"channel": room, "pub": publication(room, message)}}
    return {"push": {"channel": room.removeprefix(_AUDIENCE), kind: {"info": message.data}}}


@dataclass(eq=False, kw_only=True)
class CentrifugoWire:
    """One encoding; as hub.Wire, one object for all connections that speak it."""

    name: str
    subprotocol: str
    ping: bytes
    """A complete frame."""
    decode: Callable[[Mapping[str, Any]], list[dict[str, Any]]]
    """The commands in an ASGI event `websocket.receive`. Raises MalformedError."""
    encode: Callable[[dict[str, Any]], bytes]
    """A reply or a push, without a frame around it."""
    pack: Callable[[list[bytes]], bytes]
    """One frame around several encoded replies."""

    def frame(self, room: str, message: Message) -> bytes:
        return self.pack([self.encode(push_of(room, message))])

    def join_frames(self, frames: list[bytes]) -> bytes:
        if sum(map(len, frames)) > JOINED_BYTES:
            return b"".join(frames)
        return self.pack([_payload(frame) for frame in frames])


def _payload(frame: bytes) -> bytes:
    """What stands in an unmasked frame (RFC 6455 5.2)."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def _decode_text(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _some(json_codec.decode_commands(_payload_of(event, "text")))


def _decode_bytes(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _some(protobuf_codec.decode_commands(_payload_of(event, "bytes")))


def _payload_of(event: Mapping[str, Any], kind: str) -> Any:
    payload = event.get(kind)
    if payload is None:
        raise MalformedError
    return payload


def _some(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not commands:
        raise MalformedError
    return commands


JSON_WIRE = CentrifugoWire(
    name="centrifuge-json",
    subprotocol="centrifuge-json",
    ping=text_frame(json_codec.PING),
    decode=_decode_text,
    encode=json_codec.encode_reply,
    pack=lambda replies: text_frame(json_codec.encode_replies(replies)),
)
PROTOBUF_WIRE = CentrifugoWire(
    name="centrifuge-protobuf",
    subprotocol="centrifuge-protobuf",
    ping=binary_frame(protobuf_codec.PING),
    decode=_decode_bytes,
    encode=protobuf_codec.encode_reply,
    pack=lambda replies: binary_frame(protobuf_codec.encode_replies(replies)),
)
