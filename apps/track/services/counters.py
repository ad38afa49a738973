"""Counters that are kept with each change, counted anew: nothing to mend, unless by hand."""

from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.track.models import Playlist, PlaylistItem, Track, TrackLike

AT_ONCE = 500


def recount() -> dict[str, int]:
    """Mend `like_count` of tracks and `item_count` of playlists; how many of each were wrong."""
    likes = TrackLike.objects.filter(track_id=OuterRef("pk")).values("track_id")
    items = PlaylistItem.objects.filter(playlist_id=OuterRef("pk")).values("playlist_id")
    return {
        "like_count": _mend(Track.objects.all(), "like_count", counted=likes),
        "item_count": _mend(Playlist.objects.all(), "item_count", counted=items),
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
