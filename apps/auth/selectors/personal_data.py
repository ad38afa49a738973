"""What the platform holds on a person: each app says it of its own tables.

An app registers a part: how to read it, for the copy that people may ask for, and how to erase it
or make it nobody's. A test goes through all tables and fails for one that holds a user and that no
part names.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """`name` is that of the file in the copy. `models` are the tables, by label, that it covers."""

    name: str
    models: tuple[str, ...]
    read: Callable[[UUID], Rows]
    erase: Callable[[UUID], None]


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Make the part known. Raises ValueError for a name that is taken."""
    if _parts.setdefault(part.name, part) is not part:
        raise ValueError(f"Two apps call a part of personal data {part.name}.")


def parts() -> list[Part]:
    """All of them, by name."""
    return [_parts[name] for name in sorted(_parts)]
