"""The feed in two tables, where there is no Redis; rounds are then read from their own table."""

import time
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction

from veza.integrations.projection.port import (
    Batch,
    FeedBounds,
    FeedRow,
    ProjectionOvertakenError,
    ProjectionUnavailableError,
    RoomRows,
    State,
    Turn,
    id_at_start,
)

FEED = "rounds"
HELD = 100_000
"""Over all rooms: without Redis a quiet room among busy ones reaches less far back."""
POLL_S = 0.02

_STATE = 'SELECT epoch, head, place, "order" FROM datastream_feedstate WHERE feed = %s'
_LOCK = f"{_STATE} FOR UPDATE"
_SAVE = """
INSERT INTO datastream_feedstate (feed, epoch, head, place, "order", floor)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (feed) DO UPDATE SET epoch = excluded.epoch, head = excluded.head,
  place = excluded.place, "order" = excluded."order",
  floor = greatest(datastream_feedstate.floor, excluded.floor)
"""
_ADD = """
INSERT INTO datastream_feedmessage (feed, position, envelope, rooms) VALUES (%s, %s, %s, %s)
"""
_TRIM = "DELETE FROM datastream_feedmessage WHERE feed = %s AND position <= %s"
_BOUNDS = "SELECT epoch, floor + 1, head FROM datastream_feedstate WHERE feed = %s"
_AFTER = """
SELECT position, envelope, rooms FROM datastream_feedmessage
 WHERE feed = %s AND position > %s ORDER BY position LIMIT %s
"""
_OF_ROOM = """
SELECT position, envelope, rooms FROM datastream_feedmessage
 WHERE feed = %s AND position > %s AND position <= %s AND rooms @> ARRAY[%s]::varchar[]
 ORDER BY position
"""


_FIND = """
SELECT position FROM datastream_feedmessage
 WHERE feed = %s AND rooms @> ARRAY[%s]::varchar[] AND starts_with(envelope, %s)
 ORDER BY position DESC LIMIT 1
"""


class PostgresProjection:
    """On Django's connection of the thread."""

    def state(self) -> State:
        rows = _rows(_STATE, FEED)
        if not rows:
            return State()
        epoch, head, place, order = rows[0]
        return State(epoch=epoch, head=head, place=place, order=order, is_ready=True)

    def turn(self, batch: Batch) -> Turn:
        return _Turn(batch)

    def bounds(self) -> FeedBounds:
        rows = _rows(_BOUNDS, FEED)
        return FeedBounds(*rows[0]) if rows else FeedBounds("", 1, 0)

    def feed_after(self, position: int, *, limit: int, wait_s: float) -> list[FeedRow]:
        deadline = time.monotonic() + wait_s
        while True:
            rows = _rows(_AFTER, FEED, position, limit)
            if rows or time.monotonic() >= deadline:
                return [_row(row) for row in rows]
            time.sleep(POLL_S)

    def room_after(self, room: str, position: int, *, through: int) -> RoomRows:
        rows = _rows(_OF_ROOM, FEED, position, through, room)
        return RoomRows(self.bounds().oldest - 1, [_row(row) for row in rows])

    def find(self, room: str, message_id: str) -> int | None:
        rows = _rows(_FIND, FEED, room, id_at_start(message_id))
        return int(rows[0][0]) if rows else None

    def latest(self, slug: str) -> bytes | None:
        raise LookupError

    def history(self, key: str, *, limit: int) -> list[bytes]:
        raise LookupError


class _Turn:
    """In one transaction, in the end."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def begin(self) -> None:
        pass

    def settle(self) -> None:
        batch, state = self._batch, self._batch.state
        told = [each.announcement for each in batch.effects if each.announcement]
        floor = max(0, state.head - HELD)
        if batch.begins_epoch:
            floor = told[0].position - 1 if told else state.head
        with _Guard(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK, [FEED])
            known = cursor.fetchone()
            if (known[2] if known else "") != batch.after:
                raise ProjectionOvertakenError
            cursor.execute(_TRIM, [FEED, floor])
            cursor.executemany(
                _ADD, [(FEED, each.position, each.envelope, list(each.rooms)) for each in told]
            )
            cursor.execute(_SAVE, [FEED, state.epoch, state.head, state.place, state.order, floor])


def _row(row: tuple[Any, ...]) -> FeedRow:
    position, envelope, rooms = row
    return FeedRow(position, envelope, tuple(rooms))


def _rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with _Guard(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


class _Guard:
    """The database's failures as those of the projection; a broken connection is let go of."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, DatabaseError | InterfaceError):
            connection.close()
            raise ProjectionUnavailableError from fault
