"""Values of columns as Debezium writes them into JSON (`decimal.handling.mode=string`). Pure.

PostgreSQL tells them as text, under `TimeZone = UTC`, `DateStyle = ISO`.
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any

from apps.events.capture.decoder import Row, Table, Unchanged

UNAVAILABLE = '"__debezium_unavailable_value"'
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TIME = re.compile(r"(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


_Write = Callable[[str], str]


def row_json(table: Table, row: Row) -> str:
    """The row as Debezium has it under `before` and `after`."""
    return _json(_plan(table), row)


def key_json(table: Table, names: tuple[str, ...], row: Row) -> str:
    """Its key, of these columns."""
    return _json(_key_plan(table, names), row)


def _json(plan: list[tuple[str, str, _Write]], row: Row) -> str:
    parts = [
        head + (write(value) if isinstance(value := row.get(name), str) else _no_text(value))
        for name, head, write in plan
    ]
    return f"{{{','.join(parts)}}}"


@lru_cache(maxsize=100)
def _plan(table: Table) -> list[tuple[str, str, _Write]]:
    return [(each.name, f"{_quoted(each.name)}:", _writer(each.type)) for each in table.columns]


@lru_cache(maxsize=100)
def _key_plan(table: Table, names: tuple[str, ...]) -> list[tuple[str, str, _Write]]:
    return [each for name in names for each in _plan(table) if each[0] == name]


def _writer(kind: int) -> _Write:
    if kind in _WHOLE:
        return str  # as PostgreSQL wrote it
    if kind == _TIMESTAMPTZ:
        return lambda text: f'"{_instant(text)}"'
    convert = _CONVERT.get(kind)
    return _quoted if convert is None else lambda text: _to_json(convert(text))


def _no_text(value: Unchanged | None) -> str:
    return "null" if value is None else UNAVAILABLE


def _float(text: str) -> float | str:
    """JSON has neither NaN nor infinities."""
    return text if text in ("NaN", "Infinity", "-Infinity") else float(text)


def _instant(text: str) -> str:
    """`2026-11-21 10:00:00.5+00` to `2026-11-21T10:00:00.500000Z`; `infinity` stays."""
    if not text.endswith("+00"):
        return text
    whole, _, fraction = text[:-3].partition(".")
    return f"{whole.replace(' ', 'T', 1)}.{fraction:0<6}Z"


def _days(text: str) -> int | str:
    match = _DAY.fullmatch(text)
    if match is None:  # infinity, or before our era
        return text
    year, month, day = map(int, match.groups())
    return date(year, month, day).toordinal() - _EPOCH_DAY


def _micros_of_day(text: str) -> int | str:
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    hours, minutes, seconds, fraction = match.groups(default="")
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1_000_000 + int(fraction.ljust(6, "0"))


def _micros(text: str) -> int | str:
    day, _, time = text.partition(" ")
    days, micros = _days(day), _micros_of_day(time)
    if isinstance(days, str) or isinstance(micros, str):
        return text
    return days * 86_400_000_000 + micros


def _bytes(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


_BOOL, _BYTEA, _INT8, _INT2, _INT4, _OID = 16, 17, 20, 21, 23, 26
_FLOAT4, _FLOAT8, _DATE, _TIME_OF_DAY, _TIMESTAMP, _TIMESTAMPTZ = 700, 701, 1082, 1083, 1114, 1184

_WHOLE = (_INT8, _INT2, _INT4, _OID)

# What is not here is told as its text: jsonb, uuid, numeric, text and all that are read as text.
_CONVERT: dict[int, Callable[[str], Any]] = {
    _BOOL: lambda text: text == "t",
    _BYTEA: _bytes,
    _FLOAT4: _float,
    _FLOAT8: _float,
    _DATE: _days,
    _TIME_OF_DAY: _micros_of_day,
    _TIMESTAMP: _micros,
}
