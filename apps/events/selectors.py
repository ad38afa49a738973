"""Questions about the log, the outbox and the relays. DatabaseError when PostgreSQL is away."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Subquery

from apps.events.capture.link import parse_lsn, show_lsn
from apps.events.models import LogEpoch, LoggedFact, OutboxFact, UnreadableChange
from apps.events.types import (
    Actor,
    CaptureStatus,
    DispatchStatus,
    Envelope,
    LogBounds,
    RelayStatus,
    Subject,
)

MAX_ENVELOPES = 10_000
MAX_COUNTED = 100_000
BEAT_TIMEOUT_S = 5
SLOW_S = 10

_RELAYS = """
SELECT count(b.relay),
       coalesce(max(b.lag_s), 0),
       coalesce(extract(epoch FROM clock_timestamp() -
         (SELECT o.occurred_at FROM events_outbox o ORDER BY o.seq LIMIT 1)), 0)
  FROM events_relay b
 WHERE b.beat_at > clock_timestamp() - make_interval(secs => %s)
"""

_CAPTURE = """
SELECT s.active_pid, s.wal_status, s.confirmed_flush_lsn::text,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::int8, s.safe_wal_size,
       extract(epoch FROM coalesce(r.flush_lag, interval '0'))::float8
  FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
 WHERE s.slot_name = %s
"""
_CAPTURE_NAMES = ("active_pid", "wal_status", "confirmed", "lag_bytes", "safe_bytes", "lag_s")
CaptureState = Literal["up", "degraded", "down", "off"]

_BOUNDS = """
SELECT (SELECT e.epoch FROM events_epoch e),
       coalesce((SELECT l.position FROM events_log l ORDER BY l.position LIMIT 1),
                events_head() + 1),
       events_head()
"""

_DISPATCH = """
SELECT greatest(0, coalesce(extract(epoch FROM
         clock_timestamp() - min(d.due_at) FILTER (WHERE d.state = 'waiting')), 0))::float8,
       count(*)
  FROM (SELECT state, due_at FROM events_delivery
         WHERE state IN ('waiting', 'sent', 'running') ORDER BY due_at LIMIT %s) d
"""
_DEAD_LETTERS = """
SELECT queue, count(*) FROM events_dead_letter WHERE redriven_at IS NULL GROUP BY queue
"""


def relay_status() -> RelayStatus:
    """Whether facts reach the log: `down` without a living relay, `degraded` when they wait."""
    with connection.cursor() as cursor:
        cursor.execute(_RELAYS, [BEAT_TIMEOUT_S])
        relays, lag_s, oldest_s = cursor.fetchone()
    waits = {"oldest_unsent_s": float(oldest_s), "lag_s": float(lag_s)}
    if not relays:
        detail = f"No relay has reported for {BEAT_TIMEOUT_S} s; start `manage.py relay`."
        return RelayStatus(state="down", detail=detail, **waits)
    if oldest_s > SLOW_S:
        detail = f"A fact has waited for {oldest_s:.0f} s; read the relay's log."
        return RelayStatus(state="degraded", detail=detail, **waits)
    return RelayStatus(state="up", detail=f"{relays} running", **waits)


def capture_status() -> CaptureStatus:
    """Whether changes of rows are captured: `down` when nobody reads the slot, `degraded` when it
    may be lost soon, `off` where PostgreSQL does not write its log for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW wal_level")
        level = cursor.fetchone()[0]
        cursor.execute(_CAPTURE, [settings.CAPTURE_SLOT])
        row = cursor.fetchone()
    found = dict(zip(_CAPTURE_NAMES, row or (), strict=False))
    change = _in_the_way(found.get("confirmed"))
    state, detail = _capture_state(level, found, change)
    return CaptureStatus(
        state=state, detail=detail, slot=settings.CAPTURE_SLOT,
        wal_status=found.get("wal_status") or "", active_pid=found.get("active_pid"),
        confirmed=found.get("confirmed") or "", lag_bytes=found.get("lag_bytes") or 0,
        lag_s=float(found.get("lag_s") or 0), safe_bytes=found.get("safe_bytes"),
        unreadable=shown_change(change) if change else "", skipped=skipped_changes().count(),
    )  # fmt: skip


def skipped_changes() -> QuerySet[UnreadableChange]:
    """Those that operators have had skipped, newest first."""
    known = UnreadableChange.objects.filter(slot=settings.CAPTURE_SLOT)
    return known.exclude(skipped_at=None).order_by("-skipped_at", "-id")


def shown_change(change: UnreadableChange) -> str:
    """What it would have told, where it stands, and why it could not be decoded."""
    return (
        f"{change.operation} {change.table} at {show_lsn(change.lsn)}, commit"
        f" {show_lsn(change.commit_lsn)}, transaction {change.transaction}: {change.fault}"
    )


def _in_the_way(confirmed: str | None) -> UnreadableChange | None:
    """The change that cannot be decoded and that nothing has gone past."""
    if not confirmed:
        return None
    waiting = UnreadableChange.objects.filter(
        slot=settings.CAPTURE_SLOT, skipped_at=None, commit_lsn__gte=parse_lsn(confirmed)
    )
    return waiting.order_by("commit_lsn", "lsn").first()


def _capture_state(
    level: str, slot: dict[str, Any], change: UnreadableChange | None
) -> tuple[CaptureState, str]:
    if level != "logical":
        return "off", "PostgreSQL's wal_level is not logical: rows of games are not captured."
    if fault := _why_down(slot, change):
        return "down", fault
    safe = slot["safe_bytes"]
    if slot["wal_status"] == "unreserved" or (safe is not None and safe < slot["lag_bytes"]):
        return "degraded", "More than half of what PostgreSQL keeps for the slot is used."
    return "up", ""


def _why_down(slot: dict[str, Any], change: UnreadableChange | None) -> str:
    if not slot:
        return "There is no replication slot; start `manage.py capture`."
    if slot["wal_status"] == "lost":
        return "The slot is lost; `manage.py capture` makes a new one and reads anew."
    if change is not None:
        return (
            f"A change cannot be decoded, and all that follow wait: {shown_change(change)}."
            f" `manage.py capture --skip {show_lsn(change.lsn)}` goes past it."
        )
    if slot["active_pid"] is None:
        return "Nobody reads the slot; start `manage.py capture`."
    return ""


def log_head() -> int:
    """The position of the newest fact in the log; where there is none, the epoch's floor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_head()")
        return int(cursor.fetchone()[0])


def log_bounds() -> LogBounds:
    """What can be read from the log now; when it is empty, `oldest` is the next position."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS)
        epoch, oldest, head = cursor.fetchone()
    return LogBounds(epoch=epoch, oldest=oldest, head=head)


def find_position(fact_id: UUID) -> int | None:
    """Where this fact stands in the log; None when it does not, or no longer."""
    found = LoggedFact.objects.filter(event_id=fact_id).order_by("position")
    return found.values_list("position", flat=True).first()


def dispatch_status() -> DispatchStatus:
    """Whether facts reach their handlers."""
    with connection.cursor() as cursor:
        cursor.execute(_DISPATCH, [MAX_COUNTED])
        lag_s, outstanding = cursor.fetchone()
        cursor.execute(_DEAD_LETTERS)
        dead_letters = dict(cursor.fetchall())
    return DispatchStatus(lag_s=lag_s, outstanding=outstanding, dead_letters=dead_letters)


def outbox_backlog() -> int:
    """How many committed facts are not in the log yet, counted up to MAX_COUNTED."""
    return OutboxFact.objects.all()[:MAX_COUNTED].count()


def list_envelopes(
    *, after: int, limit: int, through: int | None = None, rooms: Sequence[str] | None = None
) -> list[Envelope]:
    """Up to `limit` facts whose positions follow `after`, oldest first.

    `through` is the last position that is looked at; `rooms` leaves only facts of one of these.
    Raises ValueError for a limit that is not from 1 to MAX_ENVELOPES.
    """
    if not 1 <= limit <= MAX_ENVELOPES:
        raise ValueError(f"Ask for 1 to {MAX_ENVELOPES} facts at once, not {limit}.")
    rows = LoggedFact.objects.filter(position__gt=after)
    if through is not None:
        rows = rows.filter(position__lte=through)
    if rooms is not None:
        rows = rows.filter(rooms__overlap=list(rooms))
    epoch = Subquery(LogEpoch.objects.values("epoch")[:1])
    return [
        envelope_of(row, epoch=row.epoch)
        for row in rows.order_by("position")[:limit].annotate(epoch=epoch)
    ]


def list_newest_envelopes(
    *, above: int, through: int, rooms: Sequence[str], limit: int
) -> list[Envelope]:
    """The last `limit` facts of these rooms, newest first, in a stretch of the log."""
    rows = LoggedFact.objects.filter(
        position__gt=above, position__lte=through, rooms__overlap=list(rooms)
    )
    epoch = Subquery(LogEpoch.objects.values("epoch")[:1])
    return [
        envelope_of(row, epoch=row.epoch)
        for row in rows.order_by("-position")[:limit].annotate(epoch=epoch)
    ]


def envelope_of(row: LoggedFact, *, epoch: str) -> Envelope:
    """The envelope of a row of the log."""
    return Envelope(
        id=row.event_id,
        type=row.type,
        version=row.version,
        time=row.occurred_at,
        subject=Subject(type=row.aggregatetype, id=row.aggregateid),
        actor=Actor(**row.actor) if row.actor else None,
        data=row.payload,
        position=row.position,
        epoch=epoch,
        rooms=tuple(row.rooms),
        request_id=row.request_id,
    )
