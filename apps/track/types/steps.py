"""The words of making a track, as operators read them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices


class TrackPermission(TextChoices):
    """What tracks let only some do."""

    READ = "tracks.read", "See and hear the tracks of everyone, and how they were made"
    MANAGE = "tracks.manage", "Have tracks made again"


class Step(TextChoices):
    """What a worker does for a version, in this order."""

    SCAN = "scan"
    FETCH = "fetch"
    PROBE = "probe"
    MEASURE = "measure"
    TRANSCODE = "transcode"
    STORE = "store"


class StepResult(TextChoices):
    """How a step ended. `lost`: its worker was killed; `waits`: it is tried again later."""

    RUNNING = "running"
    DONE = "done"
    WAITS = "waits"
    REJECTED = "rejected"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class LastStep:
    """What was done last for a version. `tries` counts those that ended alike, since `began_at`."""

    step: Step
    result: StepResult
    code: str
    tries: int
    began_at: datetime
    ended_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Takers:
    """Who takes tasks of making tracks; None where the broker does not tell."""

    workers: int | None
    waiting: int | None


@dataclass(frozen=True, kw_only=True)
class Making:
    """The newest version of a track, as far as it says why nothing moves."""

    status: str
    error_detail: str
    tries: int
    queued_at: datetime
    last: LastStep | None
