"""How rounds come along on their way from PostgreSQL's log to clients; for operators."""

from dataclasses import dataclass
from datetime import datetime

from apps.datastream.rules.changes import ChangeError, committed_at_us
from apps.events.capture.tables import topic_of
from veza.integrations.change_stream import FIRST, change_stream
from veza.integrations.projection import projection

TOPIC = topic_of("datastream_round")
LOOK_S = 0.3
BEHIND_S = 30.0


@dataclass(frozen=True, kw_only=True)
class ProjectorStatus:
    """How far the projector is. `lag_s`: for how long the oldest change that was captured and is
    not projected has been committed, 0 where there is none; `waiting`: entries that the stream
    holds, a few of which may be projected already.
    """

    epoch: str
    head: int
    place: str
    is_ready: bool
    lag_s: float
    waiting: int

    @property
    def is_behind(self) -> bool:
        return self.lag_s > BEHIND_S


def projector_status(*, now: datetime) -> ProjectorStatus:
    """Raises ProjectionUnavailableError, ChangeStreamUnavailableError and DatabaseError."""
    stream = change_stream()
    state = projection().state()
    kind, _, place = state.place.partition(" ")
    is_known = kind == type(stream).__name__
    found = stream.read(TOPIC, place if is_known else FIRST, limit=1, wait_s=LOOK_S)
    return ProjectorStatus(
        epoch=state.epoch, head=state.head, place=place, is_ready=state.is_ready,
        lag_s=_age_s(found[0].value, now) if found else 0.0, waiting=stream.backlog(TOPIC),
    )  # fmt: skip


def _age_s(document: bytes, now: datetime) -> float:
    try:
        return max(0.0, now.timestamp() - committed_at_us(document) / 1_000_000)
    except ChangeError:
        return 0.0
