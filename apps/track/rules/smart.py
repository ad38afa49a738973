"""The language of smart playlists: what is read of JSON before any database hears of it.

{"all": [{"field": "genre", "op": "is", "value": "House"},
         {"any": [{"field": "bpm", "op": "gte", "value": 120},
                  {"field": "liked", "op": "is", "value": true}]}],
 "ordering": "-plays", "limit": 50}
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from apps.track.types.smart import Condition, Fault, Group, SmartRules

MAX_DEPTH, MAX_CONDITIONS, MAX_TEXT, MAX_LIMIT = 4, 30, 200, 500
MAX_NUMBER, MAX_DAYS = 2**31 - 1, 36_500
ORDERINGS = ("created_at", "title", "duration_ms", "bpm", "plays", "likes", "popularity")
DEFAULT_ORDERING = "-created_at"
KINDS: Mapping[str, tuple[str, ...]] = {
    "text": ("is", "is_not", "contains", "not_contains", "starts_with"),
    "name": ("is", "is_not"),
    "number": ("is", "is_not", "gt", "gte", "lt", "lte"),
    "time": ("before", "after", "within_days"),
    "flag": ("is",),
}
FIELDS: Mapping[str, str] = {
    "title": "text", "artist": "text", "album": "text", "genre": "text", "musical_key": "name",
    "tag": "name", "uploader": "name", "bpm": "number", "duration_ms": "number",
    "plays": "number", "created_at": "time", "liked": "flag",
}  # fmt: skip


def read_rules(value: object) -> tuple[SmartRules | None, list[Fault]]:
    """The rules, or what is wrong with them, each fault with its place in the JSON."""
    reader = _Reader()
    rules = reader.rules(value)
    return (None, reader.faults) if reader.faults else (rules, [])


class _Reader:
    """Goes on after a fault, so that the author sees all of them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._conditions = 0

    def rules(self, value: object) -> SmartRules | None:
        if not isinstance(value, dict):
            self._fault((), "Use an object with `all` or `any`.")
            return None
        group = self._group(value, (), depth=1, besides=("ordering", "limit"))
        ordering = value.get("ordering", DEFAULT_ORDERING)
        if not isinstance(ordering, str) or ordering.removeprefix("-") not in ORDERINGS:
            self._fault(("ordering",), f"Use one of {_told(ORDERINGS)}, or - before it.")
        limit = value.get("limit", MAX_LIMIT)
        if not _is_whole(limit) or not 1 <= limit <= MAX_LIMIT:
            self._fault(("limit",), f"Use a whole number from 1 to {MAX_LIMIT}.")
        return SmartRules(group=group, ordering=ordering, limit=limit) if group else None

    def _group(
        self, value: dict[str, Any], path: tuple[str, ...], *, depth: int, besides: Iterable[str]
    ) -> Group | None:
        kinds = [name for name in ("all", "any") if name in value]
        self._know(value, (*kinds, *besides), path)
        if len(kinds) != 1:
            self._fault(path, "Use either `all` or `any`.")
            return None
        parts, path = value[kinds[0]], (*path, kinds[0])
        if not isinstance(parts, list) or not parts:
            self._fault(path, "Use a list with a condition or more.")
            return None
        if depth > MAX_DEPTH:
            self._fault(path, f"Groups are nested at most {MAX_DEPTH} deep.")
            return None
        read = [self._part(part, (*path, str(n)), depth) for n, part in enumerate(parts)]
        return Group(is_all=kinds[0] == "all", parts=tuple(part for part in read if part))

    def _part(self, value: object, path: tuple[str, ...], depth: int) -> Group | Condition | None:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            if self._conditions == MAX_CONDITIONS + 1:
                self._fault(path, f"Use at most {MAX_CONDITIONS} conditions and groups.")
            return None
        if not isinstance(value, dict):
            self._fault(path, "Use an object: a condition, or a group.")
            return None
        if "all" in value or "any" in value:
            return self._group(value, path, depth=depth + 1, besides=())
        return self._condition(value, path)

    def _condition(self, value: dict[str, Any], path: tuple[str, ...]) -> Condition | None:
        self._know(value, ("field", "op", "value"), path)
        field, op = value.get("field"), value.get("op")
        if not isinstance(field, str) or field not in FIELDS:
            self._fault((*path, "field"), f"Use one of {_told(FIELDS)}.")
            return None
        kind = FIELDS[field]
        if not isinstance(op, str) or op not in KINDS[kind]:
            self._fault((*path, "op"), f"Use one of {_told(KINDS[kind])}.")
            return None
        try:
            meant = _READERS["days" if op == "within_days" else kind](value.get("value"))
        except ValueError as fault:
            self._fault((*path, "value"), str(fault))
            return None
        return Condition(field=field, op=op, value=meant)

    def _know(self, value: dict[str, Any], known: Iterable[str], path: tuple[str, ...]) -> None:
        known = set(known) | {"all", "any"}
        for name in value.keys() - known:
            self._fault((*path, name[:50]), "There is no such member.")

    def _fault(self, path: tuple[str, ...], detail: str) -> None:
        self.faults.append(Fault(path=".".join(path), detail=detail))


def _text(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_TEXT or "\x00" in value:
        raise ValueError(f"Use a text of 1 to {MAX_TEXT} characters.")
    return value.strip()


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Use a number.")  # noqa: TRY004 - one kind for all
    if not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"Use a number from 0 to {MAX_NUMBER}.")
    return value


def _days(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_DAYS:
        raise ValueError(f"Use a whole number of days from 1 to {MAX_DAYS}.")
    return value


def _time(value: object) -> datetime:
    hint = "Use a time like 2026-11-21T10:00:00Z."
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(hint)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(hint) from None
    if moment.tzinfo is None or not 1 < moment.year < 9999:  # noqa: PLR2004 - room for zones
        raise ValueError(hint)
    return moment


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Use true or false.")  # noqa: TRY004
    return value


_READERS: Mapping[str, Callable[[object], str | float | bool | datetime]] = {
    "text": _text, "name": _text, "number": _number, "days": _days, "time": _time, "flag": _flag,
}  # fmt: skip


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _told(names: Iterable[str]) -> str:
    return ", ".join(names)
