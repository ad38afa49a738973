"""Debezium's documents, wrapped in their schema or not, as far as a projection needs them."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json

Row = Mapping[str, Any]
_SEQUENCE = re.compile(r'\["([0-9]+)","([0-9]+)"\]')


class ChangeError(ValueError):
    """This is no document of a change."""


class Change(NamedTuple):
    """One change of a row. `at_us` is when it was committed; `order` rises with every change, and
    is None where the reader does not know what came before.
    """

    op: Literal["c", "u", "d", "r"]
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
EPOCH_MESSAGE = "veza.epoch"
WHOLE_MESSAGE = "veza.whole"


def parse(document: bytes) -> Change | Emptied | NewEpoch | Whole | None:
    """What a document tells; None for what tells nothing of rows, such as a tombstone.

    Raises ChangeError.
    """
    try:
        payload = from_json(document or b"null")
        if isinstance(payload, dict) and "payload" in payload and "op" not in payload:
            payload = payload["payload"]
        return None if payload is None else _read(payload)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ChangeError(str(fault) or type(fault).__name__) from None


def committed_at_us(document: bytes) -> int:
    """When what it tells was committed, in microseconds since 1970. Raises ChangeError."""
    try:
        payload = from_json(document)
        return _at_us(payload.get("payload", payload)["source"])
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
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
    if found := _SEQUENCE.fullmatch(sequence or ""):
        return int(found[1]), int(found[2])
    last, lsn = json.loads(sequence) if sequence else (None, None)
    return None if last is None or lsn is None else (int(last), int(lsn))
