"""The AsyncAPI document: every room, what is heard there, and the frames of the event backbone.

Made from what the apps declare: facts in `events.py`, rooms and other messages in `realtime.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings

from apps.events import registry
from apps.events.types import Fact
from apps.realtime import feeds, rooms
from apps.realtime.feeds import Feed
from apps.realtime.rooms import RoomRule
from veza.pages.frames import CONSUMER, FRAMES, INGESTOR

Node = dict[str, Any]

SAMPLE_ID = "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d50"
SAMPLE_TIME = "2026-01-02T03:04:05.678000Z"
DESCRIPTION = """\
Facts and feeds of the platform, room by room. A room is reached over server-sent events, over the
WebSocket for applications with a Centrifugo SDK, over the event backbone, and what stands in a log
also by asking for a list. Every transport brings the same envelope.\
"""
SERVERS = {
    "sse": ("http", "/api/v1/events/watch", "Server-sent events: `rooms=a,b`, `Last-Event-ID`."),
    "application": ("ws", "/connection/websocket", "The Centrifugo client protocol."),
    "backbone": ("ws", "/ws", "Plain JSON for programs that listen."),
    "ingest": ("ws", "/ws/ingest", "Plain JSON for programs that send data."),
    "pull": ("http", "/api/v1/events", "A list of facts: `after`, `rooms`, `limit`."),
}
_PART = re.compile(r"\{([a-z_]+)\}")
_ACTOR = {"type": "user", "id": "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d5f"}


def document() -> Node:
    """AsyncAPI 3.0, the same on every machine."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Veza",
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {name: _server(*told) for name, told in SERVERS.items()},
        "channels": dict(_channels()),
        "operations": dict(_operations()),
        "components": {
            "messages": dict(_messages()),
            "schemas": {"envelope": ENVELOPE, **dict(_schemas())},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token; with an SDK it is the token of `connect`.",
                }
            },
        },
    }


def heard_in(pattern: str) -> tuple[list[type[Fact]], list[Feed]]:
    """The facts and the other messages of the rooms of a pattern."""
    facts = [fact for fact in registry.registered() if pattern in fact.rooms]
    return facts, [feed for feed in feeds.feeds() if pattern in feed.rooms]


def name_of(pattern: str) -> str:
    """A room's pattern as a key: `user:{id}` is `user-id`."""
    return _PART.sub(r"\1", pattern).replace(":", "-")


def is_pulled(rule: RoomRule) -> bool:
    """Whether the list of facts has this room."""
    return rule.keeps == "facts"


def _server(protocol: str, path: str, about: str) -> Node:
    return {
        "host": "{host}",
        "protocol": protocol,
        "pathname": path,
        "description": f"{about} Over TLS where the site is.",
        "variables": {"host": {"default": "localhost:8000", "description": "Where it is served."}},
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }


def _channels() -> Iterator[tuple[str, Node]]:
    for rule in rooms.declared():
        servers = ["sse", "application", "backbone", *(["pull"] if is_pulled(rule) else [])]
        yield (
            name_of(rule.pattern),
            {
                "address": rule.pattern,
                "title": f"The room {rule.pattern}" if ":" not in rule.pattern else rule.pattern,
                "description": rule.about,
                "servers": [_reference("servers", name) for name in servers],
                "parameters": {part: {} for part in _PART.findall(rule.pattern)},
                "messages": {key: _component("messages", key) for key in _keys(rule.pattern)},
            },
        )
    for role, path in ((CONSUMER, "/ws"), (INGESTOR, "/ws/ingest")):
        server = "backbone" if role == CONSUMER else "ingest"
        yield (
            f"frames-{role}",
            {
                "address": path,
                "title": f"Frames of {'consumers' if role == CONSUMER else 'ingestors'}",
                "description": "What the two sides say to one another besides the rooms' messages.",
                "servers": [_reference("servers", server)],
                "messages": {
                    frame.key: _component("messages", frame.key)
                    for frame in FRAMES
                    if role in frame.roles
                },
            },
        )


def _operations() -> Iterator[tuple[str, Node]]:
    """As the platform sees it: it sends what clients hear."""
    for rule in rooms.declared():
        name, keys = name_of(rule.pattern), list(_keys(rule.pattern))
        yield f"hear-{name}", _operation("send", name, f"Hear {rule.pattern}", keys)
        if rule.may_publish:
            yield f"say-{name}", _operation("receive", name, f"Speak in {rule.pattern}", keys)
    for role in (CONSUMER, INGESTOR):
        said = [f.key for f in FRAMES if role in f.roles and f.is_from_client]
        told = [f.key for f in FRAMES if role in f.roles and not f.is_from_client]
        channel = f"frames-{role}"
        yield f"ask-as-{role}", _operation("receive", channel, f"What a {role} sends", said)
        yield f"answer-{role}", _operation("send", channel, f"What a {role} is answered", told)


def _operation(action: str, channel: str, title: str, keys: Sequence[str]) -> Node:
    return {
        "action": action,
        "title": title,
        "channel": _reference("channels", channel),
        "messages": [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in keys],
    }


def _messages() -> Iterator[tuple[str, Node]]:
    for fact in registry.registered():
        if fact.rooms:
            room = fact.rooms[0]
            example = _envelope(fact.name, fact.version, registry.example_of(fact), room)
            yield _key(fact), _message(fact.name, fact.about, _key(fact), example | _place(fact))
    for feed in feeds.feeds():
        example = _envelope(feed.type, 1, feed.example, feed.rooms[0])
        place = {"position": 4711, "epoch": "5f3c9a01"} if feed.is_logged else {}
        yield feed.type, _message(feed.type, feed.about, feed.type, example | place)
    for frame in FRAMES:
        yield (
            frame.key,
            {
                "name": frame.key,
                "title": frame.key,
                "summary": frame.about,
                "contentType": "application/json",
                "payload": frame.schema,
                "examples": [{"payload": dict(frame.example)}],
            },
        )


def _message(name: str, about: str, key: str, example: Node) -> Node:
    is_type = {"type": {"const": name}, "version": {"const": example["version"]}}
    return {
        "name": name,
        "title": name,
        "summary": about,
        "contentType": "application/json",
        "payload": {
            "allOf": [
                _component("schemas", "envelope"),
                {"properties": {**is_type, "data": _component("schemas", key)}},
            ]
        },
        "examples": [{"payload": example}],
    }


def _schemas() -> Iterator[tuple[str, Node]]:
    for fact in registry.registered():
        if fact.rooms:
            schema = registry.schema_of(fact)
            yield _key(fact), {name: schema[name] for name in schema if name != "$schema"}
    for feed in feeds.feeds():
        yield feed.type, feeds.data_schema(feed)


def _keys(pattern: str) -> list[str]:
    facts, others = heard_in(pattern)
    return [*(_key(fact) for fact in facts), *(feed.type for feed in others)]


def _key(fact: type[Fact]) -> str:
    return f"{fact.name}.{fact.version}"


def _envelope(name: str, version: int, data: Mapping[str, Any], room: str) -> Node:
    return {
        "id": SAMPLE_ID,
        "type": name,
        "version": version,
        "time": SAMPLE_TIME,
        "subject": None,
        "actor": None,
        "data": dict(data),
        "room": _PART.sub(SAMPLE_ID, room),
    }


def _place(fact: type[Fact]) -> Node:
    subject = {"type": fact.name.partition(".")[0].partition("_")[0], "id": SAMPLE_ID}
    return {"subject": subject, "actor": _ACTOR, "position": 4711, "epoch": "5f3c9a01"}


def _component(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


def _reference(kind: str, name: str) -> Node:
    return {"$ref": f"#/{kind}/{name}"}


_NAMED = {
    "type": ["object", "null"],
    "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
    "required": ["type", "id"],
}
ENVELOPE: Node = {
    "title": "Envelope",
    "description": "What every message of a room comes in.",
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The same on every transport."},
        "type": {"type": "string"},
        "version": {"type": "integer", "description": "Of `data`; it only ever gains members."},
        "time": {"type": "string", "format": "date-time"},
        "subject": {**_NAMED, "description": "What it is about."},
        "actor": {**_NAMED, "description": "Who caused it."},
        "data": {},
        "position": {
            "type": "integer",
            "description": "Its place in the log; it rises within an epoch. Without one: no log.",
        },
        "epoch": {"type": "string"},
        "room": {"type": "string", "description": "By which it reached this client."},
    },
    "required": ["id", "type", "version", "time", "subject", "actor", "data", "room"],
}
