"""Stretches of time: whole hours, in points of an hour, a day, a week or a month."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from apps.analytics.types import Interval, Period

MOST_POINTS = 1000
USUAL = timedelta(days=30)
_HOUR = timedelta(hours=1)
_STEPS = {Interval.HOUR: _HOUR, Interval.DAY: timedelta(days=1), Interval.WEEK: timedelta(days=7)}


def read_moment(text: str, *, is_end: bool) -> datetime:
    """A time of RFC 3339, or a day, which is whole: as the end it counts. Raises ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("a time without a zone") from None
        return at.astimezone(UTC)
    return datetime.combine(day + timedelta(days=is_end), time(), UTC)


def period(
    *, start: datetime | None, end: datetime | None, interval: Interval, now: datetime
) -> Period:
    """The last 30 days unless said otherwise, in whole hours. Raises ValueError with a sentence."""
    ends = _ceil(end or now)
    begins = (start or ends - USUAL).replace(minute=0, second=0, microsecond=0)
    if begins >= ends:
        raise ValueError("`from` has to be before `to`.")
    found = Period(start=begins, end=ends, interval=interval)
    if (ends - begins) / _STEPS.get(interval, timedelta(days=28)) > MOST_POINTS:
        raise ValueError(f"These are more than {MOST_POINTS} points: take a longer interval.")
    return found


def floor(at: datetime, interval: Interval) -> datetime:
    """The beginning of the point that this moment lies in."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if interval == Interval.HOUR:
        return hour
    day = hour.replace(hour=0)
    if interval == Interval.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == Interval.MONTH else day


def points(of: Period) -> Iterator[datetime]:
    """The beginning of each point, the first may lie before the period."""
    at = floor(of.start, of.interval)
    while at < of.end:
        yield at
        at = floor(at + _STEPS.get(of.interval, timedelta(days=32)), of.interval)


def _ceil(at: datetime) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == at else hour + _HOUR
