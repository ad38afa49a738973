"""Messages that are no facts, as the apps that send them declare them for who reads the docs.

Facts are declared in `events.py` and need nothing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One type of message: what it means, where it is heard, and what its `data` holds."""

    type: str
    about: str
    """One sentence for the reference."""
    rooms: tuple[str, ...]
    """As patterns: `track:{id}`."""
    properties: Mapping[str, Mapping[str, Any]]
    """The members of `data`, all of them always there, in JSON Schema."""
    example: Mapping[str, Any]
    """A `data` as clients see it."""
    is_logged: bool = False
    """It has a place in a log, and can be resumed after."""


_feeds: dict[str, Feed] = {}


def feed(declared: Feed) -> None:
    """Make it known. One that is declared again under its type replaces the earlier one."""
    _feeds[declared.type] = declared


def feeds() -> list[Feed]:
    """All of them, by type."""
    return [_feeds[name] for name in sorted(_feeds)]


def data_schema(declared: Feed) -> dict[str, Any]:
    """The schema of `data`."""
    return {
        "title": declared.type,
        "description": declared.about,
        "type": "object",
        "properties": {name: dict(schema) for name, schema in declared.properties.items()},
        "required": list(declared.properties),
    }
