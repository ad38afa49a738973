"""Operators have a version made again."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.auth.services import audit
from apps.auth.types import AuditAction
from apps.events.types import Actor
from apps.track.errors import TrackNotFoundError, VersionEndedError
from apps.track.events import TrackRetried
from apps.track.models import Track, TrackVersion
from apps.track.services.facts import tell
from apps.track.types import Stage, TrackStatus


@transaction.atomic
def try_again(*, version_id: UUID, by: Actor, now: datetime) -> TrackVersion:
    """Begin anew what failed, or what is being made and does not move. Written into the audit log.

    A file that was rejected stays so, and one in quarantine stays there.
    Raises TrackNotFoundError, also for a deleted track, and VersionEndedError.
    """
    found = TrackVersion.objects.filter(pk=version_id).first()
    track = found and Track.objects.kept().select_for_update().filter(pk=found.track_id).first()
    if not track:
        raise TrackNotFoundError
    version = TrackVersion.objects.select_for_update().get(pk=version_id)
    if version.status not in (TrackStatus.FAILED, TrackStatus.PROCESSING):
        raise VersionEndedError
    before = {"status": version.status, "code": version.error_code}
    _put_back(version, now=now)
    if track.active_id is None:
        track.status = TrackStatus.PROCESSING
        track.save(update_fields=["status", "updated_at"])
    audit.record(
        AuditAction.TRACK_RETRIED, user_id=track.owner_id, actor=by, now=now,
        track_id=str(track.id), n=version.n, **before,
    )  # fmt: skip
    fact = TrackRetried(
        track_id=track.id, version_id=version.id, n=version.n, user_id=track.owner_id
    )
    tell(fact, track, actor=by)
    return version


def _put_back(version: TrackVersion, *, now: datetime) -> None:
    version.status, version.stage = TrackStatus.PROCESSING, Stage.UPLOADED
    version.progress, version.tries, version.queued_at = 0, 0, now
    version.job_taken_at, version.job_asks = None, 0
    version.error_code = version.error_detail = ""
    version.save(
        update_fields=[
            "status", "stage", "progress", "tries", "queued_at", "job_taken_at", "job_asks",
            "error_code", "error_detail", "updated_at",
        ]
    )  # fmt: skip
