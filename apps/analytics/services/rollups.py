"""Sums by track and hour: marked stale by who changes what they sum, computed before being read."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.analytics.models import Listening, TrackHour
from apps.analytics.types import BUCKETS

AT_ONCE = 200
_COMPUTED = (
    "plays", "listened_ms", "covered", "retention", "sources", "countries", "is_stale",
    "computed_at",
)  # fmt: skip


def mark_stale(hours: Iterable[tuple[UUID, datetime]]) -> None:
    """In the transaction of the change; it locks the rows, so that nobody sums without it."""
    rows = [TrackHour(track_id=track_id, hour=hour) for track_id, hour in sorted(hours)]
    if rows:
        TrackHour.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["track", "hour"],
            update_fields=["is_stale"],
        )


def refresh(track_ids: Collection[UUID] | None = None, *, now: datetime) -> int:
    """Compute what is stale, of these tracks or of all; how many hours that were."""
    computed = 0
    while some := _refresh_some(track_ids, now=now):
        computed += some
        if some < AT_ONCE:
            break
    return computed


@transaction.atomic
def _refresh_some(track_ids: Collection[UUID] | None, *, now: datetime) -> int:
    stale = TrackHour.objects.filter(is_stale=True)
    if track_ids is not None:
        stale = stale.filter(track_id__in=track_ids)
    rows = list(stale.order_by("track_id", "hour").select_for_update(of=("self",))[:AT_ONCE])
    if not rows:
        return 0
    # A statement of its own after the lock: it sees whatever was committed with the mark.
    heard = _heard({row.track_id for row in rows}, {row.hour for row in rows})
    for row in rows:
        _sum(row, heard.get((row.track_id, row.hour), ()))
        row.is_stale, row.computed_at = False, now
    TrackHour.objects.bulk_update(rows, _COMPUTED)
    return len(rows)


def _heard(
    track_ids: set[UUID], hours: set[datetime]
) -> dict[tuple[UUID, datetime], list[Listening]]:
    found: dict[tuple[UUID, datetime], list[Listening]] = defaultdict(list)
    rows = Listening.objects.filter(track_id__in=track_ids, hour__in=hours, is_bot=False)
    for row in rows.iterator():
        found[row.track_id, row.hour].append(row)
    return found


def _sum(row: TrackHour, heard: Iterable[Listening]) -> None:
    heard = list(heard)
    plays = [each for each in heard if each.is_counted]
    masks = [int.from_bytes(each.covered, "little") for each in plays]
    row.plays = len(plays)
    row.listened_ms = sum(each.listened_ms for each in heard)
    row.covered = sum(mask.bit_count() for mask in masks)
    row.retention = [sum(mask >> bucket & 1 for mask in masks) for bucket in range(BUCKETS)]
    row.sources = dict(Counter(each.source for each in plays))
    row.countries = dict(Counter(each.country for each in plays))
