"""A log with facts in it, without the road that leads there."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_INSERT = """
INSERT INTO events_log (position, seq, id, aggregatetype, aggregateid, type, payload, version,
                        rooms, actor, request_id, trace, occurred_at)
VALUES (%s, %s, %s, 'thing', '1', 'thing.changed', %s, 1, %s, NULL, '', '', %s)
"""


def fact_id(position: int) -> str:
    """A UUIDv7 whose time rises with the position."""
    at_ms = int(BEGAN.timestamp() * 1000) + position
    return str(UUID(int=(at_ms << 80) | (0x7 << 76) | (0x2 << 62) | position))


def rooms_at(position: int) -> list[str]:
    return ["all", "odd" if position % 2 else "even"]


def write_log(first: int, last: int, *, rooms: list[str] | None = None) -> None:
    """Facts at the positions from `first` to `last`."""
    rows = [
        (
            position, position, fact_id(position), f'{{"step": {position}}}',
            rooms_at(position) if rooms is None else rooms,
            BEGAN + timedelta(milliseconds=position),
        )
        for position in range(first, last + 1)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)


def epoch() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch FROM events_epoch")
        return str(cursor.fetchone()[0])


def set_epoch(value: str, *, floor: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_epoch SET epoch = %s, floor = %s", [value, floor])
