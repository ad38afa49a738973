"""From stage to stage: what a version is at, and how it ends. Only a version that is being made is
changed, so each ends once, whatever is repeated, late or out of order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.realtime.services import broadcast
from apps.track.events import TrackFailed, TrackReady, TrackRejected
from apps.track.models import Rendition, Track, TrackVersion
from apps.track.rules import tracks as rules
from apps.track.services.facts import tell
from apps.track.services.tracks import publish_if_first, words_of
from apps.track.types import Stage, TrackStatus
from veza.kit.metrics import TRACKS_ENDED

SHARES = {Stage.SCANNING: 5, Stage.PROBING: 20, Stage.TRANSCODING: 40, Stage.READY: 100}
"""The progress at which each stage begins."""


@dataclass(frozen=True, kw_only=True)
class MadeRendition:
    """One quality that was made."""

    bitrate_bps: int
    codec: str
    size_bytes: int
    segments: int
    playlist_sha256: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made of a file: it lies in our storage, or at `master_url`."""

    duration_ms: int
    renditions: Sequence[MadeRendition]
    hls_prefix: str = ""
    manifest_sha256: str = ""
    master_url: str = ""


def enter(version: TrackVersion, stage: Stage, *, progress: int | None = None) -> bool:
    """Say how far it is; False when it is not being made any more."""
    percent = SHARES[stage] if progress is None else progress
    going_on = TrackVersion.objects.filter(pk=version.pk, status=TrackStatus.PROCESSING)
    if not going_on.update(stage=stage, progress=percent, updated_at=timezone.now()):
        return False
    broadcast(
        f"track:{version.track_id}",
        "track.progress",
        {"track_id": str(version.track_id), "n": version.n, "stage": stage, "progress": percent},
    )
    return True


def note(version: TrackVersion, **found: Any) -> None:
    """Write down what was found out about the file."""
    TrackVersion.objects.filter(pk=version.pk).update(**found)


@transaction.atomic
def finish(*, version_id: UUID, made: Made, now: datetime) -> bool:
    """The version can be heard; the first of a track becomes the active one. False for a repeat."""
    version = _lock(version_id)
    if version is None:
        return False
    version.status, version.stage, version.progress = TrackStatus.READY, Stage.READY, 100
    version.hls_prefix, version.manifest_sha256 = made.hls_prefix, made.manifest_sha256
    version.master_url, version.duration_ms = made.master_url, made.duration_ms
    version.save()
    Rendition.objects.bulk_create(
        [Rendition(version=version, **vars(each)) for each in made.renditions]
    )
    _count(TrackStatus.READY, "")
    track = version.track
    if track.active_id is None:
        activate(track, version, now=now)
    fact = TrackReady(
        track_id=track.id, version_id=version.id, n=version.n, user_id=track.owner_id,
        title=track.title, duration_ms=made.duration_ms,
    )  # fmt: skip
    tell(fact, track)
    return True


def activate(track: Track, version: TrackVersion, *, now: datetime) -> None:
    """From now on the track is this version; for who holds its lock."""
    track.active = version
    track.status = TrackStatus(version.status)
    track.duration_ms = version.duration_ms
    track.bpm = track.bpm if track.bpm is not None else version.bpm
    track.musical_key = track.musical_key or version.musical_key
    publish_if_first(track, now=now)
    track.save()


@transaction.atomic
def name_by_tags(*, version_id: UUID, tags: dict[str, str]) -> None:
    """What nobody has told of the track is taken from its first file."""
    version = _lock(version_id)
    if version is None or version.n != 1:
        return
    track = version.track
    from_name = rules.title_from(given="", tagged="", filename=version.source_name)
    if track.title == from_name and tags.get("title"):
        track.title = tags["title"][:200]
    track.artist = track.artist or tags.get("artist", "")[:200]
    track.album = track.album or tags.get("album", "")[:200]
    track.genre = track.genre or tags.get("genre", "")[:60]
    track.words = words_of(track)
    track.save()


@transaction.atomic
def reject(*, version_id: UUID, code: str, detail: str) -> bool:
    """The file becomes no track, whatever is tried. False for a repeat."""
    return _end(version_id, TrackStatus.REJECTED, TrackRejected, code=code, detail=detail)


@transaction.atomic
def fail(*, version_id: UUID, code: str, detail: str) -> bool:
    """It was tried often enough; operators may try again. False for a repeat."""
    return _end(version_id, TrackStatus.FAILED, TrackFailed, code=code, detail=detail)


def _end(
    version_id: UUID,
    status: TrackStatus,
    kind: type[TrackRejected] | type[TrackFailed],
    *,
    code: str,
    detail: str,
) -> bool:
    version = _lock(version_id)
    if version is None:
        return False
    version.status, version.error_code, version.error_detail = status, code, detail[:300]
    version.save()
    _count(status, code)
    track = version.track
    is_newest = not TrackVersion.objects.filter(track=track, n__gt=version.n).exists()
    if track.active_id is None and is_newest:
        track.status = status
        track.save(update_fields=["status", "updated_at"])
    fact = kind(
        track_id=track.id, version_id=version.id, n=version.n, user_id=track.owner_id, code=code
    )
    tell(fact, track)
    return True


def _count(status: TrackStatus, code: str) -> None:
    """Once it is committed."""
    count = TRACKS_ENDED.labels(status, code).inc
    transaction.on_commit(count, robust=True)


def _lock(version_id: UUID) -> TrackVersion | None:
    """The version that is being made, and its track; None when it has ended."""
    version = TrackVersion.objects.filter(pk=version_id).first()
    if version is None:
        return None
    track = Track.objects.select_for_update().get(pk=version.track_id)
    going_on = TrackVersion.objects.select_for_update().filter(
        pk=version_id, status=TrackStatus.PROCESSING
    )
    version = going_on.first()
    if version is not None:
        version.track = track
    return version
