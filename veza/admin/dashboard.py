"""The admin's front page: how the platform does, read through the selectors of the apps.

Everyone sees what his permissions let him see elsewhere in the admin.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.analytics.selectors.reports import plays_by_day
from apps.analytics.types import AnalyticsPermission
from apps.auth.selectors.growth import people_by_day
from apps.auth.types import AuthPermission
from apps.events.selectors import capture_status, dispatch_status, relay_status
from apps.events.types import EventsPermission
from apps.realtime.permissions import RealtimePermission
from apps.realtime.selectors import list_processes
from apps.track.selectors.making import count_by_status
from apps.track.types import TrackPermission
from veza.admin.charts import Columns, Row, Rows, columns, rows
from veza.integrations.room_state import RoomStateUnavailableError

DAYS = 28
LATE_S = 10
MIB = 1024**2
_STATES = {"up": "good", "degraded": "warn", "down": "bad", "off": "idle"}
_STATUSES = {"ready": "good", "processing": "busy", "rejected": "warn", "failed": "bad"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One chart; `figure` is what it comes to, in a few characters."""

    name: str
    title: str
    figure: str
    about: str
    columns: Columns | None = None
    rows: Rows | None = None


def add_charts(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the front page shows besides the list of tables."""
    user, now = request.user, timezone.now()
    context["panels"] = [
        draw(now) for needs, draw in PANELS if user.is_active and user.has_perm(needs)
    ]
    return context


def _plays(now: datetime) -> Panel:
    days = _days(plays_by_day(since=_first_day(now)), now=now)
    return _by_day("plays", "Plays", days)


def _people(now: datetime) -> Panel:
    days = _days(people_by_day(since=_first_day(now)), now=now)
    return _by_day("people", "New people", days)


def _by_day(name: str, title: str, days: Mapping[datetime, int]) -> Panel:
    total = sum(days.values())
    return Panel(
        name=name, title=title, figure=f"{total:,}", about=f"in the last {DAYS} days",
        columns=columns({f"{day:%-d %b}": count for day, count in days.items()}),
    )  # fmt: skip


def _uploads(now: datetime) -> Panel:
    found = count_by_status(since=_first_day(now))
    lines = [
        Row(name=status, count=count, mark=mark if count else "idle", told=f"{count:,}")
        for status, mark in _STATUSES.items()
        for count in [found.get(status, 0)]
    ]
    return Panel(
        name="uploads", title="Uploads", figure=f"{sum(found.values()):,}",
        about=f"in the last {DAYS} days, by what became of them", rows=rows(lines),
    )  # fmt: skip


def _connections(now: datetime) -> Panel:
    try:
        processes = list_processes()
    except RoomStateUnavailableError:
        about = "Redis does not answer, so nobody knows."
        return Panel(name="connections", title="Connections", figure="?", about=about)
    counts: dict[str, int] = {}
    for process in processes:
        for transport, count in process.counts.items():
            counts[transport] = counts.get(transport, 0) + count
    lines = [
        Row(name=transport, count=count, mark="busy", told=f"{count:,}")
        for transport, count in sorted(counts.items(), key=lambda each: -each[1])
    ]
    about = "open now" if len(processes) == 1 else f"open now, in {len(processes)} processes"
    return Panel(
        name="connections", title="Connections", figure=f"{sum(counts.values()):,}", about=about,
        rows=rows(lines),
    )  # fmt: skip


def _lag(now: datetime) -> Panel:
    relay, handlers, capture = relay_status(), dispatch_status(), capture_status()
    late_s = max(relay.oldest_unsent_s, relay.lag_s)
    lines = [
        _late("relay", late_s, _STATES[relay.state]),
        _late("handlers", handlers.lag_s, "warn" if handlers.lag_s > LATE_S else "good"),
        _late("capture", capture.lag_s, _STATES[capture.state]),
        Row(name="kept for capture", count=0, mark=_STATES[capture.state],
            told="off" if capture.state == "off" else f"{capture.lag_bytes / MIB:.1f} MiB"),
    ]  # fmt: skip
    worst = max(late_s, handlers.lag_s)
    return Panel(
        name="lag", title="Lag", figure=f"{worst:.1f} s", about="from a fact to who reacts",
        rows=rows(lines, full=LATE_S * 1000),
    )  # fmt: skip


def _late(name: str, late_s: float, mark: str) -> Row:
    told = "off" if mark == "idle" else "not running" if mark == "bad" else f"{late_s:.1f} s"
    return Row(name=name, count=round(late_s * 1000), mark=mark, told=told)


def _first_day(now: datetime) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS - 1)


def _days(counts: Mapping[datetime, int], *, now: datetime) -> dict[datetime, int]:
    """Each day has its entry, also one on which nothing was."""
    first = _first_day(now)
    days = (first + timedelta(days=nth) for nth in range(DAYS))
    return {day: counts.get(day, 0) for day in days}


PANELS: tuple[tuple[str, Callable[[datetime], Panel]], ...] = (
    (AnalyticsPermission.PLATFORM, _plays),
    (AuthPermission.READ_USERS, _people),
    (TrackPermission.READ, _uploads),
    (RealtimePermission.MANAGE, _connections),
    (EventsPermission.READ, _lag),
)
