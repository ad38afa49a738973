"""How far the making of a track is."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from apps.track.models import TrackVersion
from apps.track.selectors.tracks import get_editable_track, get_track
from apps.track.types import Stage, TrackStatus


@dataclass(frozen=True, kw_only=True)
class StatusError:
    """Why a version did not become a track; `retryable`: nothing is wrong with the file."""

    code: str
    detail: str
    retryable: bool


@dataclass(frozen=True, kw_only=True)
class Status:
    """Of the newest version."""

    status: TrackStatus
    stage: Stage
    progress: int
    error: StatusError | None


def get_status(track_id: UUID, *, user_id: UUID | None) -> Status:
    """Raises TrackNotFoundError, also for one that this caller may not see."""
    track = get_track(track_id, user_id=user_id)
    version = TrackVersion.objects.filter(track_id=track.id).order_by("-n")[0]
    error = None
    if version.error_code:
        error = StatusError(
            code=version.error_code,
            detail=version.error_detail,
            retryable=version.status == TrackStatus.FAILED,
        )
    return Status(
        status=TrackStatus(version.status),
        stage=Stage(version.stage),
        progress=version.progress,
        error=error,
    )


def list_versions(track_id: UUID, *, user_id: UUID) -> QuerySet[TrackVersion]:
    """For who may edit the track, newest first. Raises TrackNotFoundError."""
    track = get_editable_track(track_id, user_id=user_id)
    return TrackVersion.objects.filter(track=track).annotate(
        active=ExpressionWrapper(Q(pk=track.active_id), output_field=BooleanField())
    )
