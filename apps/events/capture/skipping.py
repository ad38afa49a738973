"""A change that cannot be decoded: it is written down, and all stands still until an operator has
it skipped. What was skipped stays written down.
"""

from datetime import datetime
from typing import NamedTuple

import structlog
from django.db.models import Q

from apps.events.capture.link import show_lsn
from apps.events.models import UnreadableChange
from apps.events.sessions import Session, session

logger = structlog.get_logger(__name__)

_NOTE = """
INSERT INTO events_unreadable_change
       (slot, lsn, commit_lsn, transaction, operation, "table", fault, skipped_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (slot, commit_lsn, lsn) DO UPDATE SET fault = excluded.fault
RETURNING skipped_at IS NOT NULL
"""
_SKIPS_TRANSACTION = """
SELECT 1 FROM events_unreadable_change
 WHERE slot = %s AND commit_lsn = %s AND skipped_at IS NOT NULL AND skips_transaction
"""


class Unreadable(NamedTuple):
    """Where it stands, what it does to which table, and why it cannot be decoded."""

    lsn: int
    commit_lsn: int
    transaction: int
    operation: str
    table: str
    fault: str


class UnreadableError(Exception):
    """Nobody has said that this change is to be skipped."""

    def __init__(self, change: Unreadable) -> None:
        super().__init__(change.fault)
        self.change = change


class NothingToSkipError(Exception):
    """No change that stands in the way is, or was committed, at this position."""


class Skips:
    """Of one session of the slot."""

    def __init__(self, *, slot: str) -> None:
        self._slot = slot
        self._transaction = -1  # all of which is skipped

    def meet(self, change: Unreadable) -> None:
        """Returns if it is to be skipped. Raises UnreadableError if not, after it was written down;
        psycopg.Error.
        """
        if change.commit_lsn != self._transaction:
            with session("veza-capture-skips") as opened:
                if opened.execute(_SKIPS_TRANSACTION, [self._slot, change.commit_lsn]).fetchone():
                    self._transaction = change.commit_lsn
                elif not note(opened, change, slot=self._slot):
                    raise UnreadableError(change)
        logger.warning("capture_skips", slot=self._slot, **told(change))


def note(opened: Session, change: Unreadable, *, slot: str, now: datetime | None = None) -> bool:
    """Write it down, with `now` as skipped. Whether it is to be skipped."""
    row = opened.execute(_NOTE, [slot, *change, now]).fetchone()
    return bool(row and row[0])


def told(change: Unreadable) -> dict[str, object]:
    """For the log."""
    places = {"lsn": show_lsn(change.lsn), "commit": show_lsn(change.commit_lsn)}
    return {**change._asdict(), **places}


def skip(place: int, *, slot: str, now: datetime) -> UnreadableChange:
    """Have capture go past the change at this position, or past all of its transaction that cannot
    be decoded if it is the position of the commit. Raises NothingToSkipError.
    """
    waiting = UnreadableChange.objects.filter(slot=slot, skipped_at=None)
    change = waiting.filter(Q(lsn=place) | Q(commit_lsn=place)).order_by("lsn").first()
    if change is None:
        raise NothingToSkipError
    change.skipped_at, change.skips_transaction = now, place != change.lsn
    change.save(update_fields=["skipped_at", "skips_transaction"])
    return change
