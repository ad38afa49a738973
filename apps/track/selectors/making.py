"""How the making of tracks goes on, as operators and their monitors see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import current_app
from django.db.models import Count, Min, QuerySet
from kombu.exceptions import OperationalError

from apps.track.models import StepEntry, TrackVersion
from apps.track.types import LastStep, Making, Stage, Step, StepResult, Takers, TrackStatus
from veza.kit.probes import Probe

QUEUE = "media"
ASKED_FOR_S = 0.5
REMEMBERED_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Versions at a stage, and for how long the oldest of them has been made."""

    count: int
    oldest_s: float


def waiting_by_stage(*, now: datetime) -> dict[Stage, Waiting]:
    """Of all that is being made; every stage before the last has its entry."""
    rows = (
        TrackVersion.objects.filter(status=TrackStatus.PROCESSING, track__deleted_at__isnull=True)
        .values("stage")
        .annotate(count=Count("pk"), oldest=Min("queued_at"))
    )
    found = {
        Stage(row["stage"]): Waiting(
            count=row["count"], oldest_s=max(0.0, (now - row["oldest"]).total_seconds())
        )
        for row in rows
    }
    stages = (stage for stage in Stage if stage != Stage.READY)
    return {stage: found.get(stage, Waiting(count=0, oldest_s=0.0)) for stage in stages}


def count_by_status(*, since: datetime) -> dict[str, int]:
    """What became of the files that came since then; every status has its entry."""
    rows = TrackVersion.objects.filter(created_at__gte=since, track__deleted_at__isnull=True)
    found = dict(rows.values("status").annotate(n=Count("pk")).values_list("status", "n"))
    return {str(status): found.get(status, 0) for status in TrackStatus}


def newest_versions(track_ids: Iterable[UUID]) -> dict[UUID, TrackVersion]:
    """The newest version of each track."""
    rows = TrackVersion.objects.filter(track_id__in=list(track_ids))
    newest = rows.order_by("track_id", "-n").distinct("track_id")
    return {version.track_id: version for version in newest}


def making_of(versions: Iterable[TrackVersion]) -> dict[UUID, Making]:
    """What says why each of these versions does not move, in one query."""
    rows = list(versions)
    entries = StepEntry.objects.filter(version_id__in=[version.pk for version in rows])
    last = {
        entry.version_id: _last(entry)
        for entry in entries.order_by("version_id", "-id").distinct("version_id")
    }
    return {
        version.pk: Making(
            status=version.status,
            error_detail=version.error_detail,
            tries=version.tries,
            queued_at=version.queued_at,
            last=last.get(version.pk),
        )
        for version in rows
    }


def history_of(version_ids: Iterable[UUID]) -> QuerySet[StepEntry]:
    """What was done for these versions, oldest first."""
    return StepEntry.objects.filter(version_id__in=list(version_ids)).order_by("id")


def takers() -> Takers:
    """Who takes tasks of making tracks: asked of the workers, remembered for seconds."""
    return _takers.read().value or Takers(workers=None, waiting=None)


def _last(entry: StepEntry) -> LastStep:
    return LastStep(
        step=Step(entry.step),
        result=StepResult(entry.result),
        code=entry.code,
        tries=entry.tries,
        began_at=entry.began_at,
        ended_at=entry.ended_at,
        due_at=entry.due_at,
    )


def _ask_workers() -> Takers:
    try:
        queues: Any = current_app.control.inspect(timeout=ASKED_FOR_S).active_queues() or {}
    except (OperationalError, OSError):
        return Takers(workers=None, waiting=None)
    taking = [each for each in queues.values() if QUEUE in {queue["name"] for queue in each}]
    return Takers(workers=len(taking), waiting=_waiting())


def _waiting() -> int | None:
    """How many tasks wait; the broker is asked without making the queue."""
    try:
        with current_app.connection_for_read() as connection:
            queue: Any = current_app.amqp.queues[QUEUE](connection.default_channel)
            return int(queue.queue_declare(passive=True).message_count)
    except Exception:  # brokers tell in their own ways that there is none
        return None


_takers = Probe(_ask_workers, timeout_s=2.0, max_age_s=REMEMBERED_S)
