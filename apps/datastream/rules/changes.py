"""Debezium's documents, wrapped in their schema or not, as far as a projection needs them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import Decoder

Row = Mapping[str, Any]
Op = Literal["c", "u", "d", "r"]


class ChangeError(ValueError):
    """This is no document of a change."""


class Change(Struct, frozen=True):
    """One change of a row. `at_us` is when it was committed; `order` rises with every change, and
    is None where the reader does not know what came before.
    """

    op: Op
    before: Row | None
    after: Row | None
    at_us: int
    lsn: int
    order: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Emptied:
    """The table was truncated."""

    lsn: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEpoch:
    """What follows continues nothing that came before."""

    epoch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """The rows of the epoch have all been told."""

    epoch: str


LAST_US = 253_402_300_799_999_999
"""The end of the year 9999: no later time can be told."""
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
EPOCH_MESSAGE = "veza.epoch"
WHOLE_MESSAGE = "veza.whole"


class _Source(Struct):
    lsn: int
    ts_us: Annotated[int, Meta(ge=1, le=LAST_US)]
    sequence: str | None = None


class _Bare(Struct):
    """A change of a row as most come: in no schema, and with all that is needed."""

    op: Op
    source: _Source
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


_bare = Decoder(_Bare).decode
_anything = Decoder().decode
_places = Decoder(tuple[int | None, int | None], strict=False).decode


def parse(document: bytes) -> Change | Emptied | NewEpoch | Whole | None:
    """What a document tells; None for what tells nothing of rows, such as a tombstone.

    Raises ChangeError.
    """
    try:
        return _change(_bare(document))
    except (ValueError, RecursionError):
        return _parse_other(document)


def _change(found: _Bare) -> Change:
    source = found.source
    order = _order(source.sequence)
    return Change(found.op, found.before, found.after, source.ts_us, source.lsn, order)


def _parse_other(document: bytes) -> Change | Emptied | NewEpoch | Whole | None:
    try:
        payload = _anything(document or b"null")
        if isinstance(payload, dict) and "payload" in payload and "op" not in payload:
            payload = payload["payload"]
        return None if payload is None else _read(payload)
    except _NONSENSE as fault:
        raise ChangeError(str(fault) or type(fault).__name__) from None


def committed_at_us(document: bytes) -> int:
    """When what it tells was committed, in microseconds since 1970. Raises ChangeError."""
    try:
        payload = _anything(document)
        return _at_us(payload.get("payload", payload)["source"])
    except _NONSENSE as fault:
        raise ChangeError(str(fault) or type(fault).__name__) from None


def _read(payload: Mapping[str, Any]) -> Change | Emptied | NewEpoch | Whole | None:
    op, source = payload["op"], payload["source"]
    if op == "m":
        return _message(payload["message"])
    lsn = int(source["lsn"])
    if op == "t":
        return Emptied(lsn=lsn)
    if op not in ("c", "u", "d", "r"):
        return None
    return Change(
        op=op,
        before=payload.get("before"),
        after=payload.get("after"),
        at_us=_at_us(source),
        lsn=lsn,
        order=_order(source.get("sequence")),
    )


def _at_us(source: Mapping[str, Any]) -> int:
    """Raises ValueError for a time that no clock tells."""
    at_us = int(source.get("ts_us") or int(source["ts_ms"]) * 1000)
    if not 0 <= at_us <= LAST_US:
        raise ValueError("the time of the commit is none")
    return at_us


def _message(message: Mapping[str, str]) -> NewEpoch | Whole | None:
    content = base64.b64decode(message["content"]).decode()
    if message["prefix"] == EPOCH_MESSAGE:
        return NewEpoch(epoch=content)
    return Whole(epoch=content) if message["prefix"] == WHOLE_MESSAGE else None


def _order(sequence: str | None) -> tuple[int, int] | None:
    """`["<end of the last commit>","<place of the change>"]`, either of them null."""
    last, lsn = _places(sequence) if sequence else (None, None)
    return None if last is None or lsn is None else (last, lsn)
