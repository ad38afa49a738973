"""Rounds as clients read them, and what a change of one means."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.json import Decoder

from apps.datastream.rules.changes import Change
from veza.integrations.projection import EVERY

FINISHED, CORRECTED, REMOVED = "round.finished", "round.corrected", "round.removed"
GAME_ROOM, TYPE_ROOM, ALL_ROOM = "game:{slug}", "game-type:{type}", EVERY
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
"""The members of `round_document` in JSON Schema."""
_WORD = re.compile(WORD)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(r"[\[\]{}]")
MAX_DEPTH = 100
"""Parsers of clients, and ours, have a limit."""
MANY_DIGITS = 300
"""Integers of so many may be no numbers for clients."""
_MANY_DIGITS = re.compile(rf"[0-9]{{{MANY_DIGITS}}}")
_EXACT_TIME = re.compile(r"([0-9-]{10}T[0-9:]{8})\.(?!000000)([0-9]{3})[0-9]{3}Z")
"""As Debezium writes most; what it matches is shown as it is."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_48_BITS = (1 << 48) - 1
_encode_in_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""Half a surrogate pair has no other form."""
_decode = Decoder().decode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a round has of its game."""

    id: UUID
    slug: str
    type: str

    @cached_property
    def rooms(self) -> tuple[str, ...]:
        """Where a round of this game is told."""
        return (GAME_ROOM.format(slug=self.slug), TYPE_ROOM.format(type=self.type), ALL_ROOM)

    @cached_property
    def members(self) -> str:
        """Those of a round's JSON."""
        return to_json({"game_id": str(self.id), "game_slug": self.slug, "game_type": self.type})[
            1:-1
        ]


class Told(Struct, frozen=True):
    """A round as REST, sockets and keys hold it; `at_ms` is its time."""

    id: int
    at_ms: int
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


def told(*, number: int, game: Played, finished_at: datetime, extras: str) -> Told:
    """The round with this JSON as its extras. `id` comes first: keys are searched by it.

    It is written as text, because thousands come in a second. Raises TypeError and ValueError.
    """
    at_ms = (finished_at - _EPOCH) // _MILLISECOND
    return _told(number, game, (at_ms, _shown(finished_at)), extras)


def told_of_row(row: Mapping[str, Any], game: Played) -> Told:
    """The round of a captured row. Raises KeyError, TypeError and ValueError."""
    time = row["finished_at"]
    if found := _EXACT_TIME.fullmatch(time):
        at = _second_of(found[1]) * 1000 + int(found[2]), time
        return _told(int(row["id"]), game, at, row["extras"])
    finished_at = datetime.fromisoformat(time)
    return told(number=int(row["id"]), game=game, finished_at=finished_at, extras=row["extras"])


def _told(number: int, game: Played, at: tuple[int, str], extras: str) -> Told:
    at_ms, time = at
    return Told(
        number,
        at_ms,
        f'{{"id":{number},{game.members},"finished_at":"{time}",'
        f'"extras":{readable(extras)},"timestamp":{at_ms}}}',
    )


def readable(text: str) -> str:
    """The JSON of a column as it is, if every client can read it. Raises TypeError and ValueError.

    PostgreSQL holds numbers that no client's JSON can: they are told as their digits. What is
    nested deeper than MAX_DEPTH is told as its text.
    """
    if _is_usual(text) and _may_be_shallow(text) and _is_json(text):
        return text
    if _depth(text) > MAX_DEPTH:
        return to_json(text)
    return _encode_in_ascii(json.loads(text, parse_float=_number, parse_int=_number))


def _is_usual(text: str) -> bool:
    if "\n" in text or "\r" in text:  # more lines than one
        return False
    return len(text) < MANY_DIGITS or _MANY_DIGITS.search(text) is None


def _is_json(text: str) -> bool:
    """Without anything around it, and without a fraction or an exponent beyond all clients."""
    try:
        _decode(text)
    except (ValueError, RecursionError):
        return False
    return text == text.strip()


def _may_be_shallow(text: str) -> bool:
    return text.count("[") + text.count("{") <= MAX_DEPTH


def _depth(text: str) -> int:
    if _may_be_shallow(text):
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


def to_json(document: Any) -> str:
    """Compact, on one line."""
    return _encode(document)


def message_id(*, at_us: int, lsn: int, row: int) -> str:
    """A UUIDv7 of the commit's time and the row: the same whoever captures the change.

    A row may be changed several times in one commit; the change's place in PostgreSQL's log, of
    which every record begins at a multiple of 8, tells them apart.
    """
    return (
        f"{_millisecond_of_id(at_us // 1000 & _48_BITS)}{lsn >> 3 & 0xFFF:03x}"
        f"-{0x8000 | row >> 48 & 0x3FFF:04x}-{row & _48_BITS:012x}"
    )


@lru_cache(maxsize=1000)
def _millisecond_of_id(at_ms: int) -> str:
    """With the version, which stands behind it."""
    return f"{at_ms >> 16:08x}-{at_ms & 0xFFFF:04x}-7"


def envelope(kind: str, change: Change, round_: Told, *, at: tuple[int, str]) -> str:
    """What clients get, as JSON without the name of their room; `at` is the position, and the
    epoch as JSON.
    """
    name = message_id(at_us=change.at_us, lsn=change.lsn, row=round_.id)
    second, fraction = divmod(change.at_us, 1_000_000)
    time = f"{_second_shown(second)}.{fraction:06d}Z" if fraction else f"{_second_shown(second)}Z"
    return (
        f'{{"id":"{name}","type":"{kind}","version":1,"time":"{time}",'
        f'"subject":{{"type":"round","id":"{round_.id}"}},"actor":null,"data":{round_.document},'
        f'"position":{at[0]},"epoch":{at[1]}}}'
    )


@lru_cache(maxsize=1000)
def _second_of(text: str) -> int:
    """Since 1970, of a time in UTC."""
    return (datetime.fromisoformat(f"{text}+00:00") - _EPOCH) // timedelta(seconds=1)


@lru_cache(maxsize=1000)
def _second_shown(second: int) -> str:
    return _shown(_EPOCH + timedelta(seconds=second)).removesuffix("Z")


def _shown(moment: datetime) -> str:
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat().removesuffix("+00:00") + "Z"
