"""pgoutput, version 1 of its protocol: bytes of a slot to changes of rows. Pure.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

EPOCH_US = 946_684_800_000_000
"""2000-01-01, PostgreSQL's year 0, in microseconds since 1970."""

_BEGIN = struct.Struct(">QqI")
_COMMIT = struct.Struct(">BQQq")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_UINT32 = struct.Struct(">I")
_TEXT, _NULL, _UNCHANGED = b"tnu"
_KEY = ord("K")
_TUPLE_AT = 5
"""Where a row begins: behind the letter and the number of its table."""


class DecodingError(Exception):
    """These bytes are no message of the protocol, or one of a table that was never described."""


class Column(NamedTuple):
    """`type` is the number of its type in pg_type."""

    name: str
    type: int
    is_key: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A captured table as it was when the change was made."""

    schema: str
    name: str
    columns: tuple[Column, ...]

    def __hash__(self) -> int:
        return hash((self.schema, self.name))  # asked for each row


@lru_cache(maxsize=100)
def _known(schema: str, name: str, columns: tuple[Column, ...]) -> Table:
    """The same object for the same table, so that what is kept for it is found at a glance."""
    return Table(schema=schema, name=name, columns=columns)


class Unchanged:
    """Stands for a large value that the change left as it was, and that the log does not repeat."""


UNCHANGED = Unchanged()
Value = str | None | Unchanged
Row = Mapping[str, Value]


class Begin(NamedTuple):
    """`commit_lsn` is where the commit stands in the log; `time_us` its time, since 1970."""

    commit_lsn: int
    time_us: int
    transaction: int


class Commit(NamedTuple):
    """`end_lsn` is where the next transaction may begin: what is confirmed."""

    commit_lsn: int
    end_lsn: int


class RowChange(NamedTuple):
    """`before` holds what the table's REPLICA IDENTITY tells of it; None: nothing."""

    op: Literal["c", "u", "d"]
    table: Table
    before: Row | None
    after: Row | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Truncation:
    """The tables were emptied."""

    tables: tuple[Table, ...]


Decoded = Begin | Commit | RowChange | Truncation | None


class _Cursor:
    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 1  # behind the letter

    def take(self, form: struct.Struct) -> Any:
        (found,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return found

    def letter(self) -> bytes:
        found = self.data[self.at : self.at + 1]
        self.at += 1
        return found

    def text(self) -> str:
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at : end].decode()
        self.at = end + 1
        return found


@dataclass(slots=True)
class Decoder:
    """Of one session: the server describes each table before its first change, and again after
    its columns were changed.
    """

    tables: dict[int, Table] = field(default_factory=dict)

    def decode(self, data: bytes) -> Decoded:
        """One message; None for what tells nothing of rows. Raises DecodingError."""
        decode = _DECODERS.get(data[:1])
        if decode is None:
            raise DecodingError(f"A message begins with {data[:1]!r}.")
        try:
            return decode(self, data)
        except (struct.error, ValueError, IndexError) as fault:
            raise DecodingError(str(fault)) from None

    def about(self, data: bytes) -> tuple[str, str]:
        """Of a message that cannot be decoded: what it tells, and of which table."""
        table = self.tables.get(int.from_bytes(data[1:5], "big")) if data[:1] in b"IUD" else None
        return _OPERATIONS.get(data[:1], f"message {data[:1]!r}"), table.name if table else ""

    def _table(self, data: bytes) -> Table:
        """Whose number stands behind the letter."""
        (number,) = _UINT32.unpack_from(data, 1)
        if number not in self.tables:
            raise DecodingError(f"Table {number} was never described.")
        return self.tables[number]

    def read_begin(self, data: bytes) -> Decoded:
        """A commit begins."""
        lsn, at, transaction = _BEGIN.unpack_from(data, 1)
        return Begin(lsn, at + EPOCH_US, transaction)

    def read_commit(self, data: bytes) -> Decoded:
        """It ends."""
        _, lsn, end, _ = _COMMIT.unpack_from(data, 1)
        return Commit(lsn, end)

    def read_relation(self, data: bytes) -> Decoded:
        """A table is described."""
        cursor = _Cursor(data)
        number = cursor.take(_UINT32)
        schema, name, _ = cursor.text(), cursor.text(), cursor.letter()
        columns = []
        for _ in range(cursor.take(_INT16)):
            flags, column = cursor.letter(), cursor.text()
            kind, _ = cursor.take(_UINT32), cursor.take(_INT32)
            columns.append(Column(column, kind, flags == b"\x01"))
        self.tables[number] = _known(schema, name, tuple(columns))
        return None

    def read_insert(self, data: bytes) -> Decoded:
        """A row is new."""
        table = self._table(data)
        _expect(data[_TUPLE_AT], b"N")
        after, _ = _row(data, _TUPLE_AT + 1, table)
        return RowChange("c", table, None, after)

    def read_update(self, data: bytes) -> Decoded:
        """A row was changed."""
        table, at, before = self._table(data), _TUPLE_AT, None
        if data[at] in b"KO":
            before, at = _row(data, at + 1, table, only_key=data[at] == _KEY)
        _expect(data[at], b"N")
        after, _ = _row(data, at + 1, table)
        return RowChange("u", table, before, after)

    def read_delete(self, data: bytes) -> Decoded:
        """A row was deleted."""
        table = self._table(data)
        _expect(data[_TUPLE_AT], b"KO")
        before, _ = _row(data, _TUPLE_AT + 1, table, only_key=data[_TUPLE_AT] == _KEY)
        return RowChange("d", table, before, None)

    def read_truncate(self, data: bytes) -> Decoded:
        """Tables were emptied."""
        cursor = _Cursor(data)
        count, _ = cursor.take(_INT32), cursor.letter()
        numbers = [cursor.take(_UINT32) for _ in range(count)]
        return Truncation(tables=tuple(self.tables[n] for n in numbers if n in self.tables))

    def read_nothing(self, _: bytes) -> Decoded:
        """Origins, types and messages that somebody wrote into the log."""
        return None


_DECODERS: dict[bytes, Callable[[Decoder, bytes], Decoded]] = {
    b"B": Decoder.read_begin,
    b"C": Decoder.read_commit,
    b"R": Decoder.read_relation,
    b"I": Decoder.read_insert,
    b"U": Decoder.read_update,
    b"D": Decoder.read_delete,
    b"T": Decoder.read_truncate,
    b"O": Decoder.read_nothing,
    b"Y": Decoder.read_nothing,
    b"M": Decoder.read_nothing,
}

_OPERATIONS = {
    b"B": "begin", b"C": "commit", b"R": "description", b"I": "insert", b"U": "update",
    b"D": "delete", b"T": "truncate",
}  # fmt: skip


def _expect(letter: int, wanted: bytes) -> None:
    if letter not in wanted:
        raise DecodingError(f"{chr(letter)!r} stands where {wanted!r} belongs.")


def _row(data: bytes, at: int, table: Table, *, only_key: bool = False) -> tuple[Row, int]:
    """The values by column, and where they end; under a key alone the others come as null and mean
    nothing.
    """
    (count,) = _INT16.unpack_from(data, at)
    if count != len(table.columns):
        raise DecodingError(f"{table.name} has {len(table.columns)} columns, a row {count}.")
    at += 2
    row: dict[str, Value] = {}
    for name, _, is_key in table.columns:
        value: Value = None
        kind = data[at]
        at += 1
        if kind == _TEXT:
            (size,) = _INT32.unpack_from(data, at)
            start = at + 4
            at = start + size
            if size < 0 or at > len(data):
                raise DecodingError("A value is cut off.")
            value = data[start:at].decode()
        elif kind == _UNCHANGED:
            value = UNCHANGED
        elif kind != _NULL:
            raise DecodingError(f"A value is of the kind {chr(kind)!r}.")
        if is_key or not only_key:
            row[name] = value
    return row, at
