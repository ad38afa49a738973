"""Messages of pgoutput as the server writes them."""

import struct
from collections.abc import Sequence
from typing import Any

from apps.events.capture.decoder import EPOCH_US, UNCHANGED, Table

Values = Sequence[Any]


def begin(*, lsn: int, time_us: int, transaction: int) -> bytes:
    return b"B" + struct.pack(">QqI", lsn, time_us - EPOCH_US, transaction)


def commit(*, lsn: int, end: int) -> bytes:
    return b"C" + struct.pack(">BQQq", 0, lsn, end, 0)


def relation(number: int, table: Table) -> bytes:
    head = struct.pack(">I", number) + text(table.schema) + text(table.name) + b"f"
    columns = b"".join(
        bytes([each.is_key]) + text(each.name) + struct.pack(">Ii", each.type, -1)
        for each in table.columns
    )
    return b"R" + head + struct.pack(">h", len(table.columns)) + columns


def insert(number: int, values: Values) -> bytes:
    return b"I" + struct.pack(">I", number) + b"N" + row(values)


def update(number: int, before: Values | None, values: Values) -> bytes:
    old = b"" if before is None else b"O" + row(before)
    return b"U" + struct.pack(">I", number) + old + b"N" + row(values)


def delete(number: int, before: Values, *, kind: bytes = b"O") -> bytes:
    return b"D" + struct.pack(">I", number) + kind + row(before)


def truncate(*numbers: int) -> bytes:
    return b"T" + struct.pack(f">ib{len(numbers)}I", len(numbers), 0, *numbers)


def row(values: Values) -> bytes:
    return struct.pack(">h", len(values)) + b"".join(map(_value, values))


def _value(value: Any) -> bytes:
    if value is None:
        return b"n"
    if value is UNCHANGED:
        return b"u"
    encoded: bytes = value.encode()
    return b"t" + struct.pack(">i", len(encoded)) + encoded


def text(value: str) -> bytes:
    return value.encode() + b"\0"
