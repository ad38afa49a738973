"""Counters that are kept with each change, counted anew: nothing to mend, unless by hand."""

from collections.abc import Callable, Collection
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.track.models import Playlist, PlaylistItem, Track, TrackLike

AT_ONCE = 500

TrueNumbers = Callable[[Collection[UUID]], dict[UUID, int]]
"""The true numbers of these tracks; those that it does not name have none."""

_counted_above: dict[str, TrueNumbers] = {}


def register_count(column: str, count: TrueNumbers) -> None:
    """At start: an app above this one says how a number of tracks is counted anew. What it counts
    it adds to the track in one transaction with what makes it true.
    """
    _counted_above[column] = count


def recount() -> dict[str, int]:
    """Mend the counters of tracks and playlists; how many of each were wrong."""
    likes = TrackLike.objects.filter(track_id=OuterRef("pk")).values("track_id")
    items = PlaylistItem.objects.filter(playlist_id=OuterRef("pk")).values("playlist_id")
    return {
        "like_count": _mend(Track.objects.all(), "like_count", counted=likes),
        "item_count": _mend(Playlist.objects.all(), "item_count", counted=items),
        **{column: _mend_above(column, count) for column, count in _counted_above.items()},
    }


def _mend(rows: QuerySet, column: str, *, counted: QuerySet) -> int:
    number = Subquery(counted.annotate(number=Count("pk")).values("number"))
    true = Coalesce(number, 0, output_field=IntegerField())
    wrong = rows.annotate(true=true).exclude(true=F(column)).order_by("pk")
    ids = wrong.values_list("pk", flat=True).iterator()
    mended = 0
    while some := list(islice(ids, AT_ONCE)):
        mended += _write(rows, column, some, true=true)
    return mended


@transaction.atomic
def _write(rows: QuerySet, column: str, ids: list[UUID], *, true: Coalesce) -> int:
    """Counted once more when the rows are locked: whoever changes what is counted locks them, too,
    so that what he has not committed is not counted here, and he counts it himself.
    """
    list(rows.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
    fresh = rows.filter(pk__in=ids).annotate(true=true).exclude(true=F(column))
    numbers = dict(fresh.values_list("pk", "true"))
    for pk, number in numbers.items():
        rows.filter(pk=pk).update(**{column: number})
    return len(numbers)


def _mend_above(column: str, count: TrueNumbers) -> int:
    ids = Track.objects.order_by("pk").values_list("pk", flat=True).iterator()
    mended = 0
    while some := list(islice(ids, AT_ONCE)):
        mended += _write_above(column, some, count)
    return mended


@transaction.atomic
def _write_above(column: str, ids: list[UUID], count: TrueNumbers) -> int:
    rows = Track.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    known = dict(rows.values_list("pk", column))
    true = count(ids)
    wrong = [pk for pk, number in known.items() if number != true.get(pk, 0)]
    for pk in wrong:
        Track.objects.filter(pk=pk).update(**{column: true.get(pk, 0)})
    return len(wrong)
