"""New files for a track that there is: links and counters stay."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.track.errors import VersionNotFoundError, VersionNotReadyError
from apps.track.events import TrackUpdated, TrackUploaded
from apps.track.models import TrackVersion
from apps.track.services import stages
from apps.track.services.facts import by, tell
from apps.track.services.tracks import lock_editable, source_of
from apps.track.types import TrackStatus


@transaction.atomic
def add_version(
    *, track_id: UUID, user_id: UUID, upload_id: UUID, note: str, now: datetime
) -> TrackVersion:
    """Make one more version, which workers make ready; the active one goes on.

    Raises TrackNotFoundError, UploadUnknownError, UploadIncompleteError, UploadUsedError,
    UploadEmptyError.
    """
    track = lock_editable(track_id, user_id=user_id)
    source = source_of(upload_id, user_id=user_id, now=now)
    newest = TrackVersion.objects.filter(track=track).aggregate(n=Max("n"))["n"] or 0
    version = TrackVersion.objects.create(
        track=track,
        n=newest + 1,
        note=note,
        source_key=source.key,
        source_name=source.filename[:255],
        size_bytes=source.size_bytes,
    )
    if track.active_id is None:
        track.status = TrackStatus.PROCESSING
        track.save(update_fields=["status", "updated_at"])
    fact = TrackUploaded(
        track_id=track.id, version_id=version.id, n=version.n, user_id=track.owner_id
    )
    tell(fact, track, actor=by(user_id))
    return version


@transaction.atomic
def activate_version(*, track_id: UUID, user_id: UUID, n: int, now: datetime) -> TrackVersion:
    """From now on the track is this version. A repeat changes nothing.

    Raises TrackNotFoundError, VersionNotFoundError, VersionNotReadyError.
    """
    track = lock_editable(track_id, user_id=user_id)
    version = TrackVersion.objects.filter(track=track, n=n).first()
    if version is None:
        raise VersionNotFoundError
    if version.status != TrackStatus.READY:
        raise VersionNotReadyError
    if track.active_id != version.id:
        stages.activate(track, version, now=now)
        fact = TrackUpdated(track_id=track.id, user_id=track.owner_id, changed=("version",))
        tell(fact, track, actor=by(user_id))
    return version
