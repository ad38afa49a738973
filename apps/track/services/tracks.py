"""Making tracks of files, changing what is told of them, deleting them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

from django.db import transaction

from apps.track.errors import TrackNotFoundError
from apps.track.events import TrackDeleted, TrackUpdated, TrackUploaded
from apps.track.models import Track, TrackVersion
from apps.track.rules import tracks as rules
from apps.track.services.facts import by, tell
from apps.track.services.uploads import check_quota, take_space, take_upload
from apps.track.types import TrackStatus, TrackTexts, Visibility
from veza.integrations.object_storage import object_storage
from veza.kit.models import new_id

RESTORABLE = timedelta(days=30)
EDITABLE = frozenset(
    {
        "title", "artist", "album", "genre", "tags", "description", "license", "musical_key",
        "bpm", "visibility", "download",
    }
)  # fmt: skip
SEARCHED = frozenset({"title", "artist", "album", "genre", "tags"})


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that is in the storage already."""

    key: str
    filename: str
    size_bytes: int


def upload_track(
    *, user_id: UUID, texts: TrackTexts, file: IO[bytes], filename: str, size_bytes: int
) -> Track:
    """Make a track of a file that came whole. Raises UploadQuotaError, StorageFullError,
    StorageUnavailableError.
    """
    check_quota(user_id, size_bytes)
    key = f"tracks/{new_id()}/source"
    storage = object_storage()
    storage.put(key, file)
    source = Source(key=key, filename=filename, size_bytes=size_bytes)
    try:
        with transaction.atomic():
            take_space(user_id, size_bytes)
            return create_track(user_id=user_id, texts=texts, source=source)
    except BaseException:
        storage.delete(key)
        raise


@transaction.atomic
def create_from_upload(
    *, user_id: UUID, texts: TrackTexts, upload_id: UUID, now: datetime
) -> Track:
    """Make a track of a finished upload. Raises UploadUnknownError, UploadIncompleteError,
    UploadUsedError, UploadEmptyError.
    """
    source = source_of(upload_id, user_id=user_id, now=now)
    return create_track(user_id=user_id, texts=texts, source=source)


def source_of(upload_id: UUID, *, user_id: UUID, now: datetime) -> Source:
    """The file of a finished upload, which is used from now on; in the caller's transaction."""
    row = take_upload(upload_id=upload_id, user_id=user_id, now=now)
    return Source(key=row.key, filename=row.filename, size_bytes=row.size_bytes)


@transaction.atomic
def create_track(*, user_id: UUID, texts: TrackTexts, source: Source) -> Track:
    """Make a track, which workers make ready."""
    track = Track(
        owner_id=user_id,
        title=rules.title_from(given=texts.title, tagged="", filename=source.filename),
        artist=texts.artist,
        album=texts.album,
        genre=texts.genre,
        tags=rules.clean_tags(texts.tags),
        description=texts.description,
        license=texts.license,
        musical_key=texts.musical_key,
        bpm=texts.bpm,
        visibility=texts.visibility,
    )
    track.words = words_of(track)
    track.save(force_insert=True)
    version = TrackVersion.objects.create(
        track=track,
        n=1,
        source_key=source.key,
        source_name=source.filename[:255],
        size_bytes=source.size_bytes,
    )
    tell(
        TrackUploaded(track_id=track.id, version_id=version.id, n=version.n, user_id=user_id),
        track,
        actor=by(user_id),
    )
    return track


@transaction.atomic
def update_track(
    *,
    track_id: UUID,
    user_id: UUID,
    changes: Mapping[str, object],
    now: datetime,
    check: Callable[[Track], None] | None = None,
) -> Track:
    """Change what EDITABLE names. `check` sees the locked track first, and may raise.

    Raises TrackNotFoundError, also for who may not edit it.
    """
    track = lock_editable(track_id, user_id=user_id)
    if check:
        check(track)
    changed = sorted(
        name
        for name, value in changes.items()
        if name in EDITABLE and getattr(track, name) != value
    )
    if not changed:
        return track
    for name in changed:
        setattr(track, name, changes[name])
    track.words = words_of(track)
    publish_if_first(track, now=now)
    track.save(update_fields=[*changed, "words", "published_at", "updated_at"])
    tell(
        TrackUpdated(track_id=track.id, user_id=track.owner_id, changed=tuple(changed)),
        track,
        actor=by(user_id),
    )
    return track


@transaction.atomic
def delete_track(
    *,
    track_id: UUID,
    user_id: UUID,
    now: datetime,
    check: Callable[[Track], None] | None = None,
) -> None:
    """Hide it from everyone; its owner may restore it for RESTORABLE. Raises TrackNotFoundError."""
    track = lock_editable(track_id, user_id=user_id)
    if check:
        check(track)
    Track.objects.filter(pk=track.pk).update(deleted_at=now, updated_at=now)
    fact = TrackDeleted(track_id=track.id, user_id=track.owner_id)
    tell(fact, track, actor=by(user_id))


@transaction.atomic
def restore_track(*, track_id: UUID, user_id: UUID, now: datetime) -> Track:
    """Take a deletion back. Raises TrackNotFoundError, also when it is too late."""
    since = now - RESTORABLE
    own = Track.objects.filter(owner_id=user_id, deleted_at__gt=since)
    track = own.select_for_update().filter(pk=track_id).first()
    if track is None:
        raise TrackNotFoundError
    track.deleted_at = None
    track.save(update_fields=["deleted_at", "updated_at"])
    fact = TrackUpdated(track_id=track.id, user_id=track.owner_id, changed=("deleted_at",))
    tell(fact, track, actor=by(user_id))
    return track


def publish_if_first(track: Track, *, now: datetime) -> None:
    """The moment from which everyone may hear it; for who saves the track."""
    is_seen = track.visibility == Visibility.PUBLIC and track.status == TrackStatus.READY
    if is_seen and track.published_at is None:
        track.published_at = now


def words_of(track: Track) -> str:
    """What the search finds it by."""
    return rules.search_words(
        title=track.title, artist=track.artist, rest=[track.album, track.genre, *track.tags]
    )


def lock_editable(track_id: UUID, *, user_id: UUID) -> Track:
    """The track, locked for the caller's transaction. Raises TrackNotFoundError, also for who may
    not edit it.
    """
    editable = Track.objects.editable_by(user_id)
    track = editable.select_for_update(of=("self",)).filter(pk=track_id).first()
    if track is None:
        raise TrackNotFoundError
    return track
