"""A table as the stream: for installations that have neither Redis nor NATS."""

import time
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, connection, transaction

from veza.integrations.change_stream.port import (
    FIRST,
    ChangeStreamUnavailableError,
    Entry,
    EntryId,
    Read,
    check_end,
)

POLL_S = 0.02

_APPEND = """
INSERT INTO datastream_streamentry (topic, lsn, number, value) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_LAST = """
SELECT lsn, number FROM datastream_streamentry
 WHERE topic = %s ORDER BY lsn DESC, number DESC LIMIT 1
"""
_READ = """
SELECT lsn, number, value FROM datastream_streamentry
 WHERE topic = %s AND (lsn, number) > (%s, %s) ORDER BY lsn, number LIMIT %s
"""
_TRIM = "DELETE FROM datastream_streamentry WHERE topic = %s AND (lsn, number) < (%s, %s)"


class PostgresChangeStream:
    """On Django's connection of the thread. The last entry is never trimmed: it tells the place."""

    def append(self, topic: str, entries: Sequence[Entry], *, behind: EntryId | None) -> None:
        last = self.last(topic)
        check_end(last, behind)
        rows = [
            (topic, each.id.lsn, each.id.number, each.value.decode())
            for each in entries
            if last is None or each.id > last
        ]
        with _Guard(), transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_APPEND, rows)

    def last(self, topic: str) -> EntryId | None:
        with _Guard(), connection.cursor() as cursor:
            cursor.execute(_LAST, [topic])
            row = cursor.fetchone()
        return EntryId(*row) if row else None

    def read(self, topic: str, after: str, *, limit: int, wait_s: float) -> list[Read]:
        deadline = time.monotonic() + wait_s
        start = EntryId(-1, 0) if after == FIRST else EntryId.parse(after)
        while True:
            with _Guard(), connection.cursor() as cursor:
                cursor.execute(_READ, [topic, *start, limit])
                rows = cursor.fetchall()
            if rows or time.monotonic() >= deadline:
                return [Read(f"{lsn}-{number}", value.encode()) for lsn, number, value in rows]
            time.sleep(POLL_S)

    def ask(self, topic: str, after: str, *, limit: int) -> None:
        """The connection is the thread's, and is needed meanwhile."""

    def ends_before(self, topic: str, place: str) -> bool:
        last = self.last(topic)
        return place != FIRST and last is not None and last < EntryId.parse(place)

    def trim(self, topic: str, through: str) -> None:
        with _Guard(), connection.cursor() as cursor:
            cursor.execute(_TRIM, [topic, *EntryId.parse(through)])

    def backlog(self, topic: str) -> int:
        with _Guard(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM datastream_streamentry WHERE topic = %s", [topic])
            return int(cursor.fetchone()[0])

    def clear(self, topic: str) -> None:
        with _Guard(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM datastream_streamentry WHERE topic = %s", [topic])


class _Guard:
    """The database's failures as those of the stream; a broken connection is let go of."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, DatabaseError | InterfaceError):
            connection.close()
            raise ChangeStreamUnavailableError from fault
