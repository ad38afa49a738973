"""Listenings out of events, and plays out of listenings: exactly those that the rules make.

What a session has heard of a track is computed anew from its events, from the listening on into
which the first new event falls. So late events, repeats and any order of arrival give one result,
and `rebuild`, which computes everything, has nothing to correct.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count

from apps.analytics.models import Listening, ListeningEvent
from apps.analytics.rules.intake import AHEAD
from apps.analytics.rules.listening import Heard, Told, listenings
from apps.analytics.services.retention import kept_since
from apps.analytics.services.rollups import mark_stale
from apps.analytics.types import EventType
from apps.track.services.plays import add_plays

PAIRS_AT_ONCE = 200
_TOLD = """
SELECT e.track_id, e.session, e.listener, e.user_id,
       e.type, e.at, e.position_ms, e.duration_ms, e.source, e.country, e.is_bot
  FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) AS p(track_id, session, since)
  JOIN analytics_listeningevent e
    ON e.track_id = p.track_id AND e.session = p.session AND e.at >= p.since
 WHERE e.type <> ALL(%s) AND e.type NOT LIKE 'custom.%%'
 ORDER BY e.at, e.id
"""
_ALONE = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"
_WRITTEN = (
    "listener", "user", "started_at", "duration_ms", "listened_ms", "covered", "source", "country",
    "is_bot", "is_counted",
)  # fmt: skip


class Pair(NamedTuple):
    """A session that hears a track."""

    track_id: UUID
    session: str


class _Session(NamedTuple):
    listener: str
    user_id: UUID | None
    told: list[Told]


def count(since: Mapping[Pair, datetime]) -> None:
    """Bring listenings, plays and the marks of stale sums up to date, for events that came from
    these moments on. In the transaction that stored them; other writers of a session are held off.
    """
    if not since:
        return
    known = _known(since)
    began = {pair: _anchor(known[pair], at) for pair, at in since.items()}
    heard = _hear(began)
    changes: Counter[UUID] = Counter()
    hours: set[tuple[UUID, datetime]] = set()
    write: list[Listening] = []
    gone: list[UUID] = []
    for pair, at in began.items():
        old = {row.hour: row for row in known[pair] if row.started_at >= at}
        new = {row.hour: row for row in _rows(pair, heard.get(pair))}
        for hour in old.keys() | new.keys():
            before, after = old.get(hour), new.get(hour)
            if before and after and _same(before, after):
                continue
            hours.add((pair.track_id, hour))
            changes[pair.track_id] += _plays(after) - _plays(before)
            if after:
                write.append(after)
            elif before:
                gone.append(before.id)
    _write(write, gone)
    mark_stale(hours)
    add_plays(changes)


def plays_of(track_ids: Collection[UUID]) -> dict[UUID, int]:
    """The plays of these tracks, counted one by one."""
    rows = Listening.objects.filter(track_id__in=track_ids, is_counted=True)
    return dict(rows.values("track_id").annotate(n=Count("id")).values_list("track_id", "n"))


def rebuild(*, now: datetime) -> Iterator[int]:
    """Compute all listenings of which there are all events still, batch by batch; how many
    sessions each batch had. Corrects what another version of the rules counted otherwise.
    """
    whole_since = kept_since(now=now) + AHEAD
    rows = ListeningEvent.objects.filter(track__isnull=False, at__gte=whole_since)
    pairs = rows.values_list("track_id", "session", "listener").distinct()
    found = pairs.order_by("track_id", "session").iterator()
    while chunk := list(islice(found, PAIRS_AT_ONCE)):
        yield _recount(chunk, whole_since=whole_since)


@transaction.atomic
def _recount(chunk: list[tuple[UUID, str, str]], *, whole_since: datetime) -> int:
    hold_listeners(listener for _, _, listener in chunk)
    pairs = [Pair(track_id, session) for track_id, session, _ in chunk]
    known = _known(pairs)
    since: dict[Pair, datetime] = {}
    for pair in pairs:
        begun = [row.started_at for row in known[pair]]
        if not begun or begun[0] >= whole_since:
            since[pair] = whole_since
        elif later := [at for at in begun if at >= whole_since]:
            since[pair] = later[0]  # what straddles the edge has lost events, and stays
    count(since)
    return len(chunk)


def hold_listeners(listeners: Iterable[str]) -> None:
    """The same listener in two transactions at once: the second waits for the end of the first."""
    keys = sorted({int(each[:15], 16) for each in listeners})
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [keys])


def _known(pairs: Collection[Pair]) -> dict[Pair, list[Listening]]:
    found: dict[Pair, list[Listening]] = defaultdict(list)
    rows = Listening.objects.filter(
        track_id__in={pair.track_id for pair in pairs}, session__in={pair.session for pair in pairs}
    )
    for row in rows.order_by("started_at"):
        found[Pair(row.track_id, row.session)].append(row)
    return found


def _anchor(rows: list[Listening], at: datetime) -> datetime:
    """What began before the listening that this moment falls into cannot change."""
    return max((row.started_at for row in rows if row.started_at <= at), default=at)


def _hear(began: Mapping[Pair, datetime]) -> dict[Pair, _Session]:
    found: dict[Pair, _Session] = {}
    with connection.cursor() as cursor:
        pairs = list(began)
        cursor.execute(
            _TOLD,
            [
                [pair.track_id for pair in pairs],
                [pair.session for pair in pairs],
                [began[pair] for pair in pairs],
                [EventType.TRACK_VIEWED.value],
            ],
        )
        for track_id, session, listener, user_id, *told in cursor:
            each = found.setdefault(Pair(track_id, session), _Session(listener, user_id, []))
            names = ("type", "at", "position_ms", "duration_ms", "source", "country", "is_bot")
            each.told.append(Told(**dict(zip(names, told, strict=True))))
    return found


def _rows(pair: Pair, heard: _Session | None) -> Iterator[Listening]:
    if heard is None:
        return
    for each in listenings(heard.told):
        yield _row(pair, heard, each)


def _row(pair: Pair, heard: _Session, each: Heard) -> Listening:
    return Listening(
        track_id=pair.track_id, session=pair.session, listener=heard.listener,
        user_id=heard.user_id, hour=each.hour, started_at=each.started_at,
        duration_ms=each.duration_ms, listened_ms=each.listened_ms, covered=each.covers(),
        source=each.source, country=each.country, is_bot=each.is_bot, is_counted=each.is_counted,
    )  # fmt: skip


def _same(before: Listening, after: Listening) -> bool:
    return all(
        _plain(getattr(before, name)) == _plain(getattr(after, name))
        for name in ("started_at", "listened_ms", "covered", "source", "is_bot", "is_counted")
    )


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _plays(row: Listening | None) -> int:
    return int(row is not None and row.is_counted)


def _write(rows: list[Listening], gone: list[UUID]) -> None:
    if gone:
        Listening.objects.filter(pk__in=gone).delete()
    if rows:
        Listening.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["track", "session", "hour"],
            update_fields=_WRITTEN,
        )
