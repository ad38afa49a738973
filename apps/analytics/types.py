"""The words of counting that other apps may use too."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import TextChoices

BUCKETS = 100
"""A track in hundredths: what was heard of it is a set of these."""
UNKNOWN_COUNTRY = "ZZ"
UNKNOWN_SOURCE = "unknown"


class AnalyticsPermission(TextChoices):
    """What counting lets only some see."""

    PLATFORM = "analytics.platform", "See the figures of the whole platform"


class EventType(TextChoices):
    """What a player tells; `custom.*` are the client's own."""

    PLAY_STARTED = "play_started"
    PLAY_PROGRESS = "play_progress"
    PLAY_PAUSED = "play_paused"
    PLAY_SEEKED = "play_seeked"
    PLAY_ENDED = "play_ended"
    TRACK_VIEWED = "track_viewed"


class Interval(TextChoices):
    """How long a point of a series is; weeks begin on Monday, all in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Refusal(TextChoices):
    """Why an event of a batch was not taken."""

    INVALID = "invalid"
    TYPE_UNKNOWN = "event_type_unknown"
    TOO_OLD = "event_too_old"
    IN_FUTURE = "event_in_future"
    SESSION_REQUIRED = "session_required"
    TRACK_REQUIRED = "track_required"
    TRACK_NOT_FOUND = "track_not_found"


@dataclass(frozen=True, kw_only=True)
class ClientEvent:
    """One event as a client sent it, found well-formed."""

    index: int
    id: UUID
    type: str
    at: datetime
    track_id: UUID | None
    session_id: str
    position_ms: int | None
    source: str
    data: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """An event of a batch that was not taken, by its place in it."""

    index: int
    code: Refusal
    detail: str


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who sends a batch: a user or nobody, and what is kept of the program and the place."""

    user_id: UUID | None
    country: str
    is_bot: bool


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of a batch."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


@dataclass(frozen=True, kw_only=True)
class Period:
    """From the first hour to before the last, in points of one length."""

    start: datetime
    end: datetime
    interval: Interval


@dataclass(kw_only=True)
class Figures:
    """Counted plays, and what was heard. `covered` are hundredths of tracks, over all plays."""

    plays: int = 0
    listened_ms: int = 0
    covered: int = 0
    unique_listeners: int = 0

    @property
    def completion(self) -> float:
        """How much of the track a play heard on average, 0..1."""
        return round(self.covered / (self.plays * BUCKETS), 4) if self.plays else 0.0


@dataclass(frozen=True, kw_only=True)
class Point:
    """A stretch of a series."""

    at: datetime
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class TrackFigures:
    """A track in a list of the most heard."""

    track_id: UUID
    title: str
    plays: int
    listened_ms: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """The answer to: how is it heard?"""

    period: Period
    totals: Figures
    series: list[Point]
    retention: list[float]
    sources: dict[str, int]
    countries: dict[str, int]
    computed_at: datetime
    tracks: list[TrackFigures] = field(default_factory=list)
