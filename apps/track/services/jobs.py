"""Jobs of the stream server: asked for, asked for again, and ended by its reports.

The newest job of a track is the active one; an older version that was still waiting gives way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.urls import reverse

from apps.track.errors import (
    JobUnknownError,
    StaleVersionError,
    StreamReportInvalidError,
    TrackNotFoundError,
    VersionNotFoundError,
)
from apps.track.models import Track, TrackVersion
from apps.track.services import stages
from apps.track.services.stages import Made, MadeRendition
from apps.track.types import TrackStatus
from veza.integrations.object_storage import object_storage
from veza.integrations.stream_server import Job, StreamServer
from veza.kit.errors import FieldError

SILENT = timedelta(minutes=30)
MAX_ASKS = 2
MAX_TRIES = 24
"""Of calls that fail, an hour and a half with the waits of the task."""
SOURCE_LASTS_S = 2 * 3600
SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the stream server says of a job; `error` only where it failed."""

    version: int
    is_ready: bool
    master_url: str = ""
    duration_ms: int | None = None
    renditions: Sequence[MadeRendition] = ()
    error: str = ""


def ask(version: TrackVersion, server: StreamServer, *, now: datetime) -> None:
    """Have a stream made of a version that was scanned and measured; a job that was taken lately
    is not asked for again. Raises StreamServerUnavailableError.
    """
    taken_at = version.job_taken_at
    if (taken_at and taken_at > now - SILENT) or not _begin(version, now=now):
        return
    path = reverse("track-stream-ready", kwargs={"track_id": version.track_id})
    job = Job(
        track_id=version.track_id,
        version=version.n,
        source_url=object_storage().signed_url(
            version.source_key, now=now, lifetime_s=SOURCE_LASTS_S
        ),
        callback_url=settings.PUBLIC_URL + path,
    )
    server.submit(job)
    stages.note(version, job_taken_at=now, job_asks=F("job_asks") + 1)


def find_silent(*, now: datetime) -> list[UUID]:
    """Versions whose job is to be asked for again: nothing was heard of it for SILENT."""
    silent = _silent(now).filter(job_asks__lt=MAX_ASKS)
    return list(silent.order_by("job_asked_at").values_list("id", flat=True)[:100])


def end_silent(*, now: datetime) -> int:
    """Give up jobs that were asked for often enough; how many there were."""
    ids = list(_silent(now).filter(job_asks__gte=MAX_ASKS).values_list("id", flat=True)[:100])
    for version_id in ids:
        stages.fail(
            version_id=version_id,
            code="stream_server_silent",
            detail="The stream server took the file and never reported.",
        )
    return len(ids)


@transaction.atomic
def take_report(*, track_id: UUID, report: Report, now: datetime) -> bool:
    """End the version as the stream server says. False for a repeat, and for a version that has
    ended otherwise: neither has an effect.

    Raises TrackNotFoundError, VersionNotFoundError, StaleVersionError, JobUnknownError,
    StreamReportInvalidError.
    """
    track = Track.objects.kept().select_for_update().filter(pk=track_id).first()
    if track is None:
        raise TrackNotFoundError
    version = TrackVersion.objects.filter(track=track, n=report.version).first()
    if version is None:
        raise VersionNotFoundError
    active = _jobs(track_id).aggregate(n=Max("n"))["n"]
    if active is not None and report.version < active:
        raise StaleVersionError
    if version.status != TrackStatus.PROCESSING:
        return False
    if version.job_asked_at is None:
        raise JobUnknownError
    if not report.is_ready:
        detail = report.error or "The stream server could not make a stream of it."
        return stages.fail(version_id=version.id, code="stream_failed", detail=detail)
    return stages.finish(version_id=version.id, made=_made(version, report), now=now)


def _made(version: TrackVersion, report: Report) -> Made:
    if not report.master_url:
        raise StreamReportInvalidError(
            fields=[
                FieldError(field="master_url", code="required", detail="Say where the stream is.")
            ]
        )
    return Made(
        master_url=report.master_url,
        duration_ms=report.duration_ms or version.duration_ms or 0,
        renditions=report.renditions,
    )


@transaction.atomic
def _begin(version: TrackVersion, *, now: datetime) -> bool:
    """The job becomes the active one. False where the track is gone, or a newer job is."""
    track = Track.objects.kept().select_for_update().filter(pk=version.track_id).first()
    if track is None:
        return False
    jobs = _jobs(track.id)
    if jobs.filter(n__gt=version.n).exists():
        _supersede(version)
        return False
    for older in jobs.filter(n__lt=version.n, status=TrackStatus.PROCESSING):
        _supersede(older)
    stages.note(version, job_asked_at=now)
    return True


def _supersede(version: TrackVersion) -> None:
    detail = "A newer version was on its way before this one was ready."
    stages.fail(version_id=version.id, code=SUPERSEDED, detail=detail)


def _jobs(track_id: UUID) -> QuerySet[TrackVersion]:
    return TrackVersion.objects.filter(track_id=track_id, job_asked_at__isnull=False)


def _silent(now: datetime) -> QuerySet[TrackVersion]:
    return TrackVersion.objects.filter(
        status=TrackStatus.PROCESSING, job_asked_at__lt=now - SILENT, track__deleted_at__isnull=True
    )
