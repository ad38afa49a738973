"""Facts live for EVENT_LOG_RETENTION_S; then their partition goes, and what was kept about them."""

from dataclasses import dataclass

import psycopg
import structlog
from django.conf import settings
from django.db import connection
from psycopg import sql

from apps.events import handling
from apps.events.sessions import Session, first_line, row, session

logger = structlog.get_logger(__name__)

ROWS_AT_ONCE = 5_000
DETACH_WITHIN_S = 30

_PARTITIONS = """
SELECT c.relname, i.inhdetachpending,
       (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \\(''?(\\d+)'))[1]::bigint
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'events_log'::regclass
 ORDER BY 3
"""
_LEFT_OVER = """
SELECT c.relname FROM pg_class c
 WHERE c.relkind = 'r' AND c.relname ~ '^events_log_p[0-9]+$'
   AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
"""
_ALONE = "SELECT pg_try_advisory_lock(7391003)"  # until the session ends
# Facts are needed from here on: not yet seen by a handler, or owed to one.
_NEEDED = """
SELECT least(
  (SELECT min(position) + 1 FROM events_cursor WHERE handler = ANY(%s)),
  (SELECT min(position) FROM events_delivery WHERE state IN ('waiting', 'sent', 'running')),
  events_head()
)
"""
# The last to come are not to the millisecond the youngest, hence of some the maximum.
_YOUNGEST = """
SELECT extract(epoch FROM clock_timestamp() - max(occurred_at))::float8
  FROM (SELECT occurred_at FROM {} ORDER BY position DESC LIMIT 1000) newest
"""
_OVER = """
DELETE FROM events_delivery WHERE id = ANY(ARRAY(
  SELECT id FROM events_delivery
   WHERE state IN ('done', 'dead') AND changed_at < clock_timestamp() - make_interval(secs => %s)
   ORDER BY changed_at LIMIT %s))
"""
_REDRIVEN = """
DELETE FROM events_dead_letter WHERE redriven_at < clock_timestamp() - make_interval(secs => %s)
"""
_GONE_HANDLERS = """
DELETE FROM events_cursor
 WHERE handler <> ALL(%s) AND moved_at < clock_timestamp() - make_interval(secs => %s)
"""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A piece of the log; its positions are below `end`."""

    name: str
    end: int
    is_half_detached: bool


def trim() -> list[str]:
    """Drop every partition whose youngest fact is too old, but never one that is still needed.

    The partition of the head stays, and what a handler has not taken yet. Returns the names of
    the dropped ones. A reader in a long transaction postpones the drop; nobody waits for it.
    """
    dropped: list[str] = []
    with session("veza-trim") as opened:
        if row(opened, _ALONE)[0]:
            dropped = _drop_partitions(opened)
            _trim_rows()
    return dropped


def _drop_partitions(opened: Session) -> list[str]:
    dropped = []
    needed = _needed_from(opened)
    for partition in _partitions(opened):
        if partition.is_half_detached or _is_over(opened, partition, needed):
            if not _drop(opened, partition):
                break
            dropped.append(partition.name)
    for (name,) in opened.execute(_LEFT_OVER).fetchall():  # detached by one who then died
        opened.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
    return dropped


def _needed_from(opened: Session) -> int:
    known = [handler.name for handler in handling.registered()]
    return int(row(opened, _NEEDED, known)[0])


def _partitions(opened: Session) -> list[Partition]:
    return [
        Partition(name=name, end=end, is_half_detached=pending)
        for name, pending, end in opened.execute(_PARTITIONS).fetchall()
    ]


def _is_over(opened: Session, partition: Partition, needed: int) -> bool:
    if partition.end > needed:
        return False
    query = sql.SQL(_YOUNGEST).format(sql.Identifier(partition.name))
    age_s = row(opened, query)[0]
    return age_s is None or age_s > settings.EVENT_LOG_RETENTION_S


def _drop(opened: Session, partition: Partition) -> bool:
    """Detach without keeping readers or relays waiting, then drop; False: later."""
    how = "FINALIZE" if partition.is_half_detached else "CONCURRENTLY"
    name = sql.Identifier(partition.name)
    try:
        opened.execute(
            sql.SQL("SET statement_timeout = {}; SET lock_timeout = 0").format(
                sql.Literal(f"{DETACH_WITHIN_S}s")
            )
        )
        opened.execute(sql.SQL(f"ALTER TABLE events_log DETACH PARTITION {{}} {how}").format(name))
        opened.execute(sql.SQL("DROP TABLE {}").format(name))
    except psycopg.OperationalError as fault:
        logger.warning("partition_kept", partition=partition.name, fault=first_line(fault))
        return False
    logger.info("partition_dropped", partition=partition.name)
    return True


def _trim_rows() -> None:
    age_s = settings.EVENT_LOG_RETENTION_S
    known = [handler.name for handler in handling.registered()]
    with connection.cursor() as cursor:
        cursor.execute(_REDRIVEN, [age_s])
        cursor.execute(_GONE_HANDLERS, [known, age_s])
        while True:
            cursor.execute(_OVER, [age_s, ROWS_AT_ONCE])
            if cursor.rowcount < ROWS_AT_ONCE:
                return
