"""What is asked of PostgreSQL in plain SQL: the slot, the publication, rows read again."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import psycopg
from psycopg import sql

from apps.events.capture.decoder import Column, Row, Table
from apps.events.capture.link import parse_lsn
from apps.events.capture.tables import PUBLICATION, SCHEMA, Captured
from apps.events.sessions import Session

# Of nobody else: who makes a slot waits for all who write, and they must not wait for him.
_LOCK = 7391004
_SLOT = """
SELECT active_pid, wal_status, safe_wal_size, confirmed_flush_lsn::text, database
  FROM pg_replication_slots WHERE slot_name = %s
"""
_PUBLISHED = """
SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = %s
"""
_NOW = "SELECT pg_current_wal_lsn()::text, extract(epoch FROM clock_timestamp()) * 1000000"
_COLUMNS = """
SELECT a.attname, a.atttypid::int8, false FROM pg_attribute a
 WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = '' ORDER BY a.attnum
"""


class Slot(NamedTuple):
    """A row of pg_replication_slots."""

    active_pid: int | None
    wal_status: str | None
    safe_wal_size: int | None
    confirmed: str | None
    database: str

    @property
    def is_lost(self) -> bool:
        """What it should still deliver was removed."""
        return self.wal_status == "lost"


def find_slot(of: Session, name: str) -> Slot | None:
    """The slot with this name, if there is one."""
    row = of.execute(_SLOT, [name]).fetchone()
    return Slot(*row) if row else None


def publish(of: Session, tables: list[Captured]) -> None:
    """Have the publication hold exactly these tables."""
    wanted = {f"{SCHEMA}.{each.table}" for each in tables}
    known = {row[0] for row in of.execute(_PUBLISHED, [PUBLICATION])}
    exists = of.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", [PUBLICATION]).fetchone()
    if exists and known == wanted:
        return
    form = "ALTER PUBLICATION {} SET TABLE {}" if exists else "CREATE PUBLICATION {} FOR TABLE {}"
    names = sql.SQL(", ").join(sql.Identifier(SCHEMA, each.table) for each in tables)
    of.execute(sql.SQL(form).format(sql.Identifier(PUBLICATION), names))


def may_prepare(of: Session) -> bool:
    """Whether nobody else prepares the slot; true until the session ends."""
    row = of.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    return bool(row and row[0])


def make_slot(of: Session, name: str) -> int:
    """A new slot instead of the one that there is; where it begins."""
    if find_slot(of, name) is not None:
        of.execute("SELECT pg_drop_replication_slot(%s)", [name])
    row = of.execute(
        "SELECT lsn::text FROM pg_create_logical_replication_slot(%s, 'pgoutput')", [name]
    ).fetchone()
    assert row is not None  # noqa: S101 - the function returns one row or raises
    return parse_lsn(row[0])


def log_position(of: Session) -> tuple[int, int]:
    """Where PostgreSQL's log ends, and its clock in microseconds."""
    row = of.execute(_NOW).fetchone()
    assert row is not None  # noqa: S101
    return parse_lsn(row[0]), int(row[1])


def describe(of: Session, captured: Captured) -> Table:
    """The table as it is now."""
    rows = of.execute(_COLUMNS, [f"{SCHEMA}.{captured.table}"]).fetchall()
    return Table(schema=SCHEMA, name=captured.table, columns=tuple(Column(*row) for row in rows))


def snapshot(of: Session, captured: Captured) -> Iterator[dict[str, bytes | None]]:
    """The rows that are read again, every value as its text, in batches from the server."""
    with of.transaction():
        of.execute("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'")
        of.execute("SET LOCAL statement_timeout = 0; SET LOCAL extra_float_digits = 1")
        of.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        with of.cursor("veza_snapshot") as cursor:
            for column in describe(of, captured).columns:  # whatever types they may get
                cursor.adapters.register_loader(column.type, _AsText)
            cursor.execute(captured.snapshot)
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(names, row, strict=True))


def decoded(row: Mapping[str, bytes | None]) -> Row:
    """Raises ValueError: where a database holds text in no encoding, or a cast went wrong."""
    return {name: None if value is None else value.decode() for name, value in row.items()}


class _AsText(psycopg.adapt.Loader):
    """A value as PostgreSQL wrote it."""

    def load(self, data: psycopg.abc.Buffer) -> bytes:
        return bytes(data)
