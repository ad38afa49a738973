"""What was heard, from what players told: the one place that knows what a play is.

A listening is what one session heard of one track, from one `play_started` to the next in another
hour (UTC). The same events make the same listenings, in whatever order they arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.analytics.types import BUCKETS, UNKNOWN_SOURCE, EventType

ENOUGH_MS = 30_000
LONGEST_SILENCE = timedelta(hours=1)
FASTEST = 2  # times the speed of the recording; a player that gains more has jumped
SLACK_MS = 2_000
_PLAYING = {EventType.PLAY_STARTED, EventType.PLAY_PROGRESS}
_STOPPING = {EventType.PLAY_PAUSED, EventType.PLAY_ENDED}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event of a player. `duration_ms` is that of the track as it was then."""

    type: str
    at: datetime
    position_ms: int | None
    duration_ms: int | None
    source: str
    country: str
    is_bot: bool


@dataclass(kw_only=True)
class Heard:
    """A listening. `buckets` are bits, one for each hundredth of the track."""

    started_at: datetime
    duration_ms: int | None
    source: str
    country: str
    is_bot: bool
    listened_ms: int = 0
    buckets: int = 0
    _last: Told | None = field(default=None, repr=False, compare=False)
    _position_ms: int | None = field(default=None, repr=False, compare=False)
    _plays: bool = field(default=False, repr=False, compare=False)

    @property
    def hour(self) -> datetime:
        """In which it began; a session has one listening of a track in each."""
        return self.started_at.replace(minute=0, second=0, microsecond=0)

    @property
    def is_counted(self) -> bool:
        """Whether it is a play: 30 s or half of the track, and not heard by a crawler."""
        return not self.is_bot and self.listened_ms >= enough_ms(self.duration_ms)

    def covers(self) -> bytes:
        """`buckets` as they are stored."""
        return self.buckets.to_bytes((BUCKETS + 7) // 8, "little")

    def is_over_before(self, told: Told) -> bool:
        """Whether this event begins another listening."""
        assert self._last is not None  # noqa: S101 - it began with one
        if told.at - self._last.at > LONGEST_SILENCE:
            return True
        is_later = told.at.replace(minute=0, second=0, microsecond=0) > self.hour
        return is_later and told.type == EventType.PLAY_STARTED

    def take(self, told: Told) -> None:
        """The next event, by `at`."""
        position_ms = _position(told)
        if position_ms is not None:
            if told.type in _STOPPING or told.type == EventType.PLAY_PROGRESS:
                self._hear(told, position_ms)
            self._position_ms = position_ms
        if told.type in _PLAYING:
            self._plays = True
        elif told.type in _STOPPING:
            self._plays = False
        self._last = told

    def _hear(self, told: Told, to_ms: int) -> None:
        if not self._plays or self._position_ms is None or self._last is None:
            return
        gained_ms = to_ms - self._position_ms
        passed_ms = (told.at - self._last.at) / timedelta(milliseconds=1)
        # Some players stamp a batch when they send it: equal times say nothing of how long it took.
        if gained_ms <= 0 or (passed_ms and gained_ms > FASTEST * passed_ms + SLACK_MS):
            return
        self.listened_ms += gained_ms
        self.buckets |= _buckets(self._position_ms, to_ms, self.duration_ms)


def enough_ms(duration_ms: int | None) -> int:
    """How long one has to listen for a play to count."""
    return ENOUGH_MS if duration_ms is None else min(ENOUGH_MS, max(1, duration_ms // 2))


def listenings(events: Iterable[Told]) -> list[Heard]:
    """What one session heard of one track; `events` in order of `at`."""
    found: list[Heard] = []
    for told in events:
        if not found or found[-1].is_over_before(told):
            found.append(_begin(told))
        current = found[-1]
        current.is_bot = current.is_bot or told.is_bot
        if current.source == UNKNOWN_SOURCE and told.source:
            current.source = told.source
        current.take(told)
    return found


def _begin(told: Told) -> Heard:
    return Heard(
        started_at=told.at,
        duration_ms=told.duration_ms,
        source=told.source or UNKNOWN_SOURCE,
        country=told.country,
        is_bot=told.is_bot,
    )


def _position(told: Told) -> int | None:
    position_ms = told.position_ms
    if position_ms is None:
        if told.type == EventType.PLAY_STARTED:
            return 0
        return told.duration_ms if told.type == EventType.PLAY_ENDED else None
    return position_ms if told.duration_ms is None else min(position_ms, told.duration_ms)


def _buckets(from_ms: int, to_ms: int, duration_ms: int | None) -> int:
    if not duration_ms:
        return 0
    first = from_ms * BUCKETS // duration_ms
    last = min(BUCKETS, -(-to_ms * BUCKETS // duration_ms))
    return ((1 << last) - 1) & ~((1 << first) - 1)
