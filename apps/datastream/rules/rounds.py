"""Rounds as clients read them, and what a change of one means."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from apps.datastream.rules.changes import Change

FINISHED, CORRECTED, REMOVED = "round.finished", "round.corrected", "round.removed"
GAME_ROOM, TYPE_ROOM, ALL_ROOM = "game:{slug}", "game-type:{type}", "games"
WORD = r"[A-Za-z0-9_.-]{1,64}"
ROUND: dict[str, dict[str, Any]] = {
    "id": {"type": "integer"},
    "game_id": {"type": "string", "format": "uuid"},
    "game_slug": {"type": "string"},
    "game_type": {"type": "string"},
    "finished_at": {"type": "string", "format": "date-time"},
    "extras": {"description": "Whatever the game's program wrote."},
    "timestamp": {"type": "integer", "description": "`finished_at` in Unix milliseconds."},
}
"""The members of a round's document in JSON Schema."""
_WORD = re.compile(WORD)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(r"[\[\]{}]")
MAX_DEPTH = 100
"""Parsers of clients, and ours, have a limit."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
PLAIN = 2 * MAX_DEPTH
"""So short a text is not nested too deep, and without an exponent its numbers are not too large."""
_EXPONENT = re.compile(r"[0-9][eE]")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a round has of its game."""

    id: UUID
    slug: str
    type: str

    @cached_property
    def rooms(self) -> tuple[str, ...]:
        """Where its rounds are told."""
        return GAME_ROOM.format(slug=self.slug), TYPE_ROOM.format(type=self.type), ALL_ROOM

    @cached_property
    def members(self) -> str:
        """What the document of a round has of it."""
        slug, kind = _encode(self.slug), _encode(self.type)
        return f'"game_id":"{self.id}","game_slug":{slug},"game_type":{kind}'


class Told(NamedTuple):
    """A round as clients read it: `document` is its JSON, `timestamp` its milliseconds."""

    id: int
    timestamp: int
    document: str


ROUND_EXAMPLE = {
    "id": 4711,
    "game_id": "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d51",
    "game_slug": "dice",
    "game_type": "chance",
    "finished_at": "2026-01-02T03:04:05.678000Z",
    "extras": {"eyes": [3, 5]},
    "timestamp": 1767323045678,
}
"""One as clients see it."""


def is_word(text: str) -> bool:
    """Whether a slug or a type can read so."""
    return _WORD.fullmatch(text) is not None


def round_told(*, number: int, game: Played, finished_at: datetime, extras: Any) -> Told:
    """The round as REST, sockets and keys hold it. `id` comes first: keys are searched by it."""
    timestamp = (finished_at - _EPOCH) // _MILLISECOND
    return Told(
        number,
        timestamp,
        f'{{"id":{number},{game.members},"finished_at":"{_shown(finished_at)}",'
        f'"extras":{_encode(extras)},"timestamp":{timestamp}}}',
    )


def round_of_row(row: Mapping[str, Any], game: Played) -> Told:
    """The round of a captured row. Raises KeyError, TypeError and ValueError."""
    return round_told(
        number=int(row["id"]),
        game=game,
        finished_at=datetime.fromisoformat(row["finished_at"]),
        extras=read_extras(row["extras"]),
    )


def read_extras(text: str) -> Any:
    """The JSON of a column. Raises ValueError.

    PostgreSQL holds numbers that no client's JSON can: they are told as their digits. What is
    nested deeper than MAX_DEPTH is told as its text.
    """
    if len(text) <= PLAIN and not _EXPONENT.search(text):
        return _decode(text)
    if _depth(text) > MAX_DEPTH:
        return text
    return _decode_carefully(text)


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for mark in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _number(digits: str) -> int | float | str:
    try:
        value = float(digits) if set(digits) & set(".eE") else int(digits)
        return value if math.isfinite(value) else digits
    except (ValueError, OverflowError):
        return digits


def message_id(*, at_us: int, lsn: int, row: int) -> str:
    """A UUIDv7 of the commit's time and the row: the same whoever captures the change.

    A row may be changed several times in one commit; the change's place in PostgreSQL's log, of
    which every record begins at a multiple of 8, tells them apart.
    """
    ms, low = at_us // 1000 & (1 << 48) - 1, 1 << 63 | row & (1 << 62) - 1
    return (
        f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{lsn >> 3 & 0xFFF:03x}"
        f"-{low >> 48:04x}-{low & 0xFFFF_FFFF_FFFF:012x}"
    )


_decode_carefully = json.JSONDecoder(parse_float=_number, parse_int=_number).decode


def envelope(kind: str, change: Change, *, row: int, document: str, at: tuple[int, str]) -> str:
    """What clients get, as JSON without the name of their room; `at` is position and epoch,
    `document` the round's JSON. The rest is written as text, because thousands come in a second.
    """
    name = message_id(at_us=change.at_us, lsn=change.lsn, row=row)
    time = _shown_us(change.at_us)
    return (
        f'{{"id":"{name}","type":"{kind}","version":1,"time":"{time}",'
        f'"subject":{{"type":"round","id":"{row}"}},"actor":null,"data":{document},'
        f'"position":{at[0]},"epoch":{_encode(at[1])}}}'
    )


def _shown(moment: datetime) -> str:
    here = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{here.isoformat()[: -len('+00:00')]}Z"


def _shown_us(at_us: int) -> str:
    """The same, of microseconds since 1970."""
    seconds, micros = divmod(at_us, 1_000_000)
    return f"{_shown_s(seconds)}.{micros:06}Z" if micros else f"{_shown_s(seconds)}Z"


@lru_cache(maxsize=100)
def _shown_s(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[: -len("+00:00")]
