"""Whether an event that a client sent can be taken."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from apps.analytics.types import ClientEvent, EventType, Refusal, Rejected

OLDEST = timedelta(days=30)
AHEAD = timedelta(minutes=5)  # clocks of clients go wrong by so much
LONGEST_POSITION_MS = 2**31 - 1
MOST_DATA_BYTES = 4096
_SESSION = re.compile(r"[!-~]{1,100}")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,39}")
_CUSTOM = re.compile(r"custom\.[a-z0-9][a-z0-9_.-]{0,49}")
_BOT = re.compile(r"bot\b|crawl|spider|slurp|archiver|facebookexternalhit", re.IGNORECASE)
_TYPES = frozenset(EventType.values)


@dataclass(frozen=True)
class _FaultyError(Exception):
    code: Refusal
    detail: str


def is_bot(user_agent: str) -> bool:
    """Whether a program calls itself one that reads the web for itself; kept, never counted."""
    return bool(_BOT.search(user_agent))


def read_events(
    items: Sequence[object], *, is_anonymous: bool, now: datetime
) -> tuple[list[ClientEvent], list[Rejected]]:
    """Those that can be taken, and why the others cannot."""
    events: list[ClientEvent] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        try:
            events.append(_read(item, index=index, is_anonymous=is_anonymous, now=now))
        except _FaultyError as fault:
            rejected.append(Rejected(index=index, code=fault.code, detail=fault.detail))
    return events, rejected


def _read(item: object, *, index: int, is_anonymous: bool, now: datetime) -> ClientEvent:
    if not isinstance(item, Mapping):
        raise _invalid("An event is an object.")
    event = ClientEvent(
        index=index,
        id=_uuid(item.get("id"), "id"),
        type=_type(item.get("type")),
        at=_moment(item.get("at"), now=now),
        track_id=None if item.get("track_id") is None else _uuid(item["track_id"], "track_id"),
        session_id=_text(item, "session_id", _SESSION, "1 to 100 printable ASCII characters"),
        position_ms=_position(item.get("position_ms")),
        source=_text(item, "source", _SOURCE, "a word such as `playlist`, up to 40 characters"),
        data=_data(item.get("data")),
    )
    if is_anonymous and not event.session_id:
        detail = "Who is not signed in sends a `session_id`."
        raise _FaultyError(Refusal.SESSION_REQUIRED, detail)
    if event.type in _TYPES and event.track_id is None:
        raise _FaultyError(Refusal.TRACK_REQUIRED, f"`{event.type}` needs a `track_id`.")
    return event


def _invalid(detail: str) -> _FaultyError:
    return _FaultyError(Refusal.INVALID, detail)


def _uuid(value: object, name: str) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise _invalid(f"`{name}` is a UUID.") from None


def _type(value: object) -> str:
    if isinstance(value, str) and (value in _TYPES or _CUSTOM.fullmatch(value)):
        return value
    known = ", ".join(EventType.values)
    raise _FaultyError(Refusal.TYPE_UNKNOWN, f"`type` is one of {known}, or `custom.` and a word.")


def _moment(value: object, *, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(value if isinstance(value, str) else "")
        is_local, at = at.tzinfo is None, at.astimezone(UTC)
    except (ValueError, OverflowError):
        is_local = True
    if is_local:
        raise _invalid("`at` is a time of RFC 3339, such as `2026-01-02T03:04:05Z`.")
    if at < now - OLDEST:
        raise _FaultyError(Refusal.TOO_OLD, f"`at` is more than {OLDEST.days} days ago.")
    if at > now + AHEAD:
        raise _FaultyError(Refusal.IN_FUTURE, "`at` has not come yet; check the clock.")
    return at


def _text(item: Mapping[str, Any], name: str, pattern: re.Pattern[str], what: str) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _invalid(f"`{name}` is {what}.")
    return value


def _position(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid("`position_ms` is a whole number.")
    if not 0 <= value <= LONGEST_POSITION_MS:
        raise _invalid("`position_ms` is not a position in a track.")
    return value


def _data(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _invalid("`data` is an object.")
    if len(json.dumps(value)) > MOST_DATA_BYTES:
        raise _invalid(f"`data` has more than {MOST_DATA_BYTES} bytes.")
    return value
