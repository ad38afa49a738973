"""Figures of tracks, out of sums by the hour."""

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Trunc

from apps.analytics.models import Listening, TrackHour
from apps.analytics.rules.periods import floor, points
from apps.analytics.types import (
    BUCKETS,
    Figures,
    Period,
    Point,
    Report,
    TrackFigures,
)
from apps.track.selectors.playing import titles_of

Row = TypeVar("Row", TrackHour, Listening)

MOST_TRACKS = 20
_SUMS = ("hour", "plays", "listened_ms", "covered", "retention", "sources", "countries")


def report(
    track_ids: Collection[UUID] | None,
    *,
    period: Period,
    now: datetime,
    with_tracks: bool = False,
) -> Report:
    """The figures of these tracks, or of all; stale sums are taken as they are."""
    hours = _within(TrackHour.objects.all(), track_ids, period)
    totals, series = Figures(), {at: Figures() for at in points(period)}
    retention = [0] * BUCKETS
    sources: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    for hour, plays, listened_ms, covered, kept, by_source, by_country in hours.values_list(
        *_SUMS
    ).iterator():
        for figures in (totals, series[floor(hour, period.interval)]):
            figures.plays += plays
            figures.listened_ms += listened_ms
            figures.covered += covered
        retention = [sum(pair) for pair in zip(retention, kept or [0] * BUCKETS, strict=True)]
        sources.update(by_source)
        countries.update(by_country)
    _add_listeners(totals, series, track_ids, period)
    return Report(
        period=period,
        totals=totals,
        series=[Point(at=at, figures=figures) for at, figures in series.items()],
        retention=[round(each / totals.plays, 4) if totals.plays else 0.0 for each in retention],
        sources=_most_first(sources),
        countries=_most_first(countries),
        computed_at=now,
        tracks=_most_heard(hours) if with_tracks else [],
    )


def plays_by_day(*, since: datetime) -> dict[datetime, int]:
    """Counted plays of the whole platform, by the beginning of each day that has any."""
    rows = Listening.objects.filter(is_counted=True, hour__gte=since)
    days = rows.annotate(day=Trunc("hour", "day")).values("day").annotate(n=Count("id"))
    return dict(days.values_list("day", "n"))


def _most_first(plays: Counter[str]) -> dict[str, int]:
    return dict(sorted(plays.items(), key=lambda each: (-each[1], each[0])))


def _within(
    rows: QuerySet[Row], track_ids: Collection[UUID] | None, period: Period
) -> QuerySet[Row]:
    rows = rows.filter(hour__gte=period.start, hour__lt=period.end)
    return rows if track_ids is None else rows.filter(track_id__in=track_ids)


def _add_listeners(
    totals: Figures,
    series: dict[datetime, Figures],
    track_ids: Collection[UUID] | None,
    period: Period,
) -> None:
    """They cannot be summed: who comes back is the same."""
    plays = _within(Listening.objects.filter(is_counted=True), track_ids, period)
    totals.unique_listeners = plays.aggregate(n=Count("listener", distinct=True))["n"]
    by_point = plays.annotate(at=Trunc("hour", period.interval.value)).values("at")
    for at, listeners in by_point.annotate(n=Count("listener", distinct=True)).values_list(
        "at", "n"
    ):
        series[at].unique_listeners = listeners


def _most_heard(hours: QuerySet[TrackHour]) -> list[TrackFigures]:
    sums = hours.values("track_id").annotate(all_plays=Sum("plays"), heard=Sum("listened_ms"))
    rows = sums.filter(all_plays__gt=0).order_by("-all_plays", "track_id")
    best = list(rows.values_list("track_id", "all_plays", "heard")[:MOST_TRACKS])
    titles: dict[UUID, str] = defaultdict(str, titles_of([row[0] for row in best]))
    return [
        TrackFigures(track_id=track_id, title=titles[track_id], plays=plays, listened_ms=heard)
        for track_id, plays, heard in best
    ]
