"""The words of smart playlists."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What one field of a track has to be."""

    field: str
    op: str
    value: str | float | bool | datetime


@dataclass(frozen=True, kw_only=True)
class Group:
    """All of its parts have to hold, or any."""

    is_all: bool
    parts: tuple["Group | Condition", ...]


@dataclass(frozen=True, kw_only=True)
class SmartRules:
    """Which tracks a smart playlist has, in which order, and how many at most."""

    group: Group
    ordering: str
    limit: int


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong with rules; `path` is its place in the JSON, empty for the whole."""

    path: str
    detail: str
