"""The frames of the event backbone that belong to no room, for the AsyncAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONSUMER, INGESTOR = "consumer", "ingestor"
TEXT = {"type": "string"}


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One object in one text frame."""

    key: str
    about: str
    roles: tuple[str, ...]
    is_from_client: bool
    properties: Mapping[str, Mapping[str, Any]]
    example: Mapping[str, Any]

    @property
    def schema(self) -> dict[str, Any]:
        """Of the whole frame."""
        kind = self.example["type"]
        told = {name: dict(schema) for name, schema in self.properties.items()}
        return {
            "type": "object",
            "properties": {"type": {"const": kind}, **told},
            "required": ["type", *told],
        }


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


FRAMES = (
    Frame(
        key="frame.auth", about="Says who one is, where no header could.",
        roles=(CONSUMER, INGESTOR), is_from_client=True, properties={"token": TEXT},
        example={"type": "auth", "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmVk"},
    ),
    Frame(
        key="frame.join", about="Hear a room; `subscribe` is the same.",
        roles=(CONSUMER,), is_from_client=True, properties={"room": TEXT},
        example={"type": "join", "room": "BTC_USDT"},
    ),
    Frame(
        key="frame.leave", about="Hear it no more; `unsubscribe` is the same.",
        roles=(CONSUMER,), is_from_client=True, properties={"room": TEXT},
        example={"type": "leave", "room": "BTC_USDT"},
    ),
    Frame(
        key="frame.message", about="Say something in a room of the chat.",
        roles=(CONSUMER,), is_from_client=True, properties={"room": TEXT, "data": TEXT},
        example={"type": "message", "room": "chat:lobby", "data": "hello"},
    ),
    Frame(
        key="frame.price_update", about="An instrument costs so much; not answered when good.",
        roles=(INGESTOR,), is_from_client=True,
        properties={
            "instrument": {"type": "string", "pattern": "^[A-Za-z0-9_./-]{1,64}$"},
            "price": {"type": "number", "exclusiveMinimum": 0},
            "ts": {"type": "number", "minimum": 0},
        },
        example={
            "type": "price_update", "instrument": "BTC_USDT", "price": 60214.3, "ts": 1710000000,
        },
    ),
    Frame(
        key="frame.ping", about="Asks whether all before it was taken.",
        roles=(CONSUMER, INGESTOR), is_from_client=True, properties={}, example={"type": "ping"},
    ),
    Frame(
        key="frame.ack", about="The room is joined or left.",
        roles=(CONSUMER,), is_from_client=False,
        properties={
            "data": _object(action={"enum": ["subscribed", "unsubscribed"]}, room=TEXT),
        },
        example={"type": "ack", "data": {"action": "subscribed", "room": "BTC_USDT"}},
    ),
    Frame(
        key="frame.pong", about="The answer to a ping, with the time in Unix milliseconds.",
        roles=(CONSUMER, INGESTOR), is_from_client=False,
        properties={"data": _object(timestamp={"type": "integer"})},
        example={"type": "pong", "data": {"timestamp": 1710000000123}},
    ),
    Frame(
        key="frame.error", about="What was sent was not taken; the socket stays open.",
        roles=(CONSUMER, INGESTOR), is_from_client=False, properties={"code": TEXT, "detail": TEXT},
        example={
            "type": "error", "code": "room_not_found", "detail": "There is no such room.",
        },
    ),
)  # fmt: skip
