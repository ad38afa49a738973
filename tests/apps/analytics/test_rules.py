"""What a play is."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from apps.analytics.rules.intake import is_bot
from apps.analytics.rules.listening import Heard, Told, listenings
from apps.analytics.rules.periods import floor, period, points, read_moment
from apps.analytics.types import Interval

START = datetime(2026, 1, 5, 10, 10, tzinfo=UTC)


def told(kind: str, at_s: float, position_s: float | None, **fields: object) -> Told:
    values = {
        "duration_ms": 240_000, "source": "", "country": "ZZ", "is_bot": False, **fields,
    }  # fmt: skip
    position_ms = None if position_s is None else int(position_s * 1000)
    at = START + timedelta(seconds=at_s)
    return Told(type=kind, at=at, position_ms=position_ms, **values)  # type: ignore[arg-type]


def heard(*events: Told) -> Heard:
    [only] = listenings(events)
    return only


def test_thirty_seconds_are_a_play_and_less_is_none() -> None:
    started = told("play_started", 0, 0)
    assert heard(started, told("play_progress", 30, 30)).is_counted
    assert not heard(started, told("play_progress", 29, 29.999)).is_counted


def test_half_of_a_short_track_is_a_play() -> None:
    short = {"duration_ms": 20_000}
    assert heard(
        told("play_started", 0, 0, **short), told("play_paused", 10, 10, **short)
    ).is_counted
    assert not heard(
        told("play_started", 0, 0, **short), told("play_paused", 9, 9.9, **short)
    ).is_counted


def test_a_jump_is_not_heard_whether_told_or_not() -> None:
    told_of = heard(
        told("play_started", 0, 0), told("play_seeked", 5, 100), told("play_progress", 10, 105)
    )
    assert told_of.listened_ms == 5_000
    silent = heard(told("play_started", 0, 0), told("play_progress", 5, 100))
    assert silent.listened_ms == 0


def test_a_pause_is_not_heard_and_what_follows_is() -> None:
    found = heard(
        told("play_started", 0, 0),
        told("play_paused", 20, 20),
        told("play_started", 600, 20),
        told("play_ended", 611, 31),
    )
    assert (found.listened_ms, found.is_counted) == (31_000, True)


def test_an_end_without_a_position_is_that_of_the_track() -> None:
    found = heard(told("play_started", 0, None), told("play_ended", 240, None))
    assert found.listened_ms == 240_000
    assert found.buckets.bit_count() == 100


def test_equal_times_say_nothing_of_how_long_it_took() -> None:
    assert heard(told("play_started", 0, 0), told("play_progress", 0, 31)).is_counted


def test_a_session_has_one_play_an_hour_however_often_it_starts() -> None:
    within = [told("play_started", 0, 0), told("play_progress", 40, 40),
              told("play_started", 60, 0), told("play_progress", 100, 40)]  # fmt: skip
    assert [each.is_counted for each in listenings(within)] == [True]
    later = [told("play_started", 3600, 0), told("play_progress", 3640, 40)]
    assert [each.is_counted for each in listenings(within + later)] == [True, True]


def test_what_goes_on_over_the_hour_is_one_listening() -> None:
    [found] = listenings([told("play_started", 2990, 0), told("play_progress", 3030, 40)])
    assert found.is_counted
    assert found.hour == START.replace(minute=0)


def test_a_long_silence_begins_anew() -> None:
    found = listenings([told("play_started", 0, 0), told("play_progress", 3601, 30)])
    assert [each.listened_ms for each in found] == [0, 0]


def test_crawlers_are_not_counted() -> None:
    assert not heard(told("play_started", 0, 0), told("play_ended", 60, 60, is_bot=True)).is_counted
    assert is_bot("Mozilla/5.0 (compatible; Googlebot/2.1)")
    assert not is_bot("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/128.0")
    assert not is_bot("python-requests/2.32")
    assert not is_bot("Cubot_Note_S")


def test_buckets_are_the_parts_that_were_heard() -> None:
    found = heard(
        told("play_started", 0, 0), told("play_progress", 24, 24), told("play_seeked", 24, 120),
        told("play_progress", 36, 132),
    )  # fmt: skip
    assert [n for n in range(100) if found.buckets >> n & 1] == [*range(10), *range(50, 55)]


def test_any_order_of_arrival_makes_the_same_listenings() -> None:
    events = [
        told("play_started", 0, 0),
        told("play_progress", 20, 20),
        told("play_paused", 35, 35),
    ]
    results = {
        (each.listened_ms, each.buckets)
        for shuffled in permutations(events)
        for each in listenings(sorted(shuffled, key=lambda one: one.at))
    }
    assert len(results) == 1


@pytest.mark.parametrize(
    ("interval", "expected"),
    [("hour", START.replace(minute=0)), ("day", START.replace(hour=0, minute=0)),
     ("week", datetime(2026, 1, 5, tzinfo=UTC)), ("month", datetime(2026, 1, 1, tzinfo=UTC))],
)  # fmt: skip
def test_points_begin_where_calendars_say(interval: str, expected: datetime) -> None:
    assert floor(START, Interval(interval)) == expected


def test_a_period_has_all_its_points() -> None:
    found = period(
        start=read_moment("2026-01-30", is_end=False), end=read_moment("2026-02-02", is_end=True),
        interval=Interval.DAY, now=START,
    )  # fmt: skip
    assert [at.day for at in points(found)] == [30, 31, 1, 2]
    with pytest.raises(ValueError, match="longer interval"):
        period(start=START - timedelta(days=400), end=START, interval=Interval.HOUR, now=START)
