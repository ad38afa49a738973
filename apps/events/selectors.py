"""Questions about the log, the outbox and the relays. DatabaseError when PostgreSQL is away."""

from django.db import connection
from django.db.models import Subquery

from apps.events.models import LogEpoch, LoggedFact, OutboxFact
from apps.events.types import Actor, Envelope, RelayStatus, Subject

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


def log_head() -> int:
    """The position of the newest fact in the log; where there is none, the epoch's floor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_head()")
        return int(cursor.fetchone()[0])


def outbox_backlog() -> int:
    """How many committed facts are not in the log yet, counted up to MAX_COUNTED."""
    return OutboxFact.objects.all()[:MAX_COUNTED].count()


def list_envelopes(*, after: int, limit: int) -> list[Envelope]:
    """Up to `limit` facts whose positions follow `after`, oldest first.

    Raises ValueError for a limit that is not from 1 to MAX_ENVELOPES.
    """
    if not 1 <= limit <= MAX_ENVELOPES:
        raise ValueError(f"Ask for 1 to {MAX_ENVELOPES} facts at once, not {limit}.")
    epoch = Subquery(LogEpoch.objects.values("epoch")[:1])
    rows = LoggedFact.objects.filter(position__gt=after).order_by("position")[:limit]
    return [_envelope(row, epoch=row.epoch) for row in rows.annotate(epoch=epoch)]


def _envelope(row: LoggedFact, *, epoch: str) -> Envelope:
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
