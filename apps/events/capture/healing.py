"""A new slot, and the rows read again: the first start, and what heals a lost slot or stream.

The slot is made first: what commits from then on is delivered by it, and what had committed before
is seen by the read. A new epoch tells everybody that what follows continues nothing.
"""

import secrets
import time
from collections.abc import Iterator

import structlog

from apps.events.capture import envelope, tables
from apps.events.capture.decoder import Begin
from apps.events.capture.sessions import decoded, describe, log_position, make_slot, snapshot
from apps.events.capture.tables import Captured
from apps.events.sessions import Session
from veza.integrations.change_stream import ChangeStream, Entry, EntryId

logger = structlog.get_logger(__name__)

BATCH = 500
ALIGNED = 8
"""Commits stand in PostgreSQL's log at multiples of this, so no commit has these places:"""
ROWS_AT, END_AT = 1, 7


def begin_anew(opened: Session, stream: ChangeStream, *, slot: str) -> None:
    """Streams begin with an epoch and the rows of their tables. What is killed on the way is seen
    by `is_unfinished`, and made again.
    """
    opened.execute("SET statement_timeout = 0")  # it waits for whoever writes
    for each in tables.captured():
        stream.clear(each.topic)
    lsn = make_slot(opened, slot)
    epoch = secrets.token_hex(8)
    for each in tables.captured():
        _fill(opened, stream, each, lsn=lsn, epoch=epoch)


def is_unfinished(last: EntryId) -> bool:
    """Whether the stream ends within the rows that were read again."""
    return last.lsn % ALIGNED == ROWS_AT


def _fill(opened: Session, stream: ChangeStream, each: Captured, *, lsn: int, epoch: str) -> None:
    """Ids are below the place where the slot begins, so that nothing it delivers is passed over."""
    base = (lsn - 1) // ALIGNED * ALIGNED
    _, at_us = log_position(opened)
    origin = envelope.Origin(
        database=opened.info.dbname, lsn=base, last_commit_lsn=None,
        begin=Begin(commit_lsn=base, time_us=at_us, transaction=0),
    )  # fmt: skip
    batch: list[Entry] = []
    for number, document in enumerate(_documents(opened, each, origin, epoch)):
        batch.append(Entry(EntryId(base + ROWS_AT, number), b"null", document))
        if len(batch) >= BATCH:
            stream.append(each.topic, batch, behind=None)
            batch = []
    done = envelope.epoch_document(epoch, origin, is_whole=True, now_us=_now_us())
    batch.append(Entry(EntryId(base + END_AT, 0), b"null", done))
    stream.append(each.topic, batch, behind=None)


def _documents(
    opened: Session, each: Captured, origin: envelope.Origin, epoch: str
) -> Iterator[bytes]:
    table = describe(opened, each)
    yield envelope.epoch_document(epoch, origin, is_whole=False, now_us=_now_us())
    for row in snapshot(opened, each):
        try:
            document = envelope.snapshot_document(table, decoded(row), origin, now_us=_now_us())
        except ValueError as fault:  # nobody would be told it anyway
            key = {name: row.get(name) for name in each.key}
            logger.warning("row_not_read_again", table=each.table, key=str(key), fault=str(fault))
        else:
            yield document


def _now_us() -> int:
    return time.time_ns() // 1000
