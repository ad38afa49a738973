"""What a player asks for: playlists, segments, the waveform."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from apps.track.errors import DownloadForbiddenError, TrackNotFoundError, TrackNotReadyError
from apps.track.models import Track, TrackVersion
from apps.track.rules import tracks as rules
from apps.track.selectors.links import check_link
from apps.track.selectors.tracks import get_track
from apps.track.types import DownloadRule, TrackStatus, Visibility
from veza.integrations.object_storage import object_storage


class Heard(NamedTuple):
    """A version that may be heard, and for how long an answer may be kept; `left_s` is None for a
    public track, which caches may share.
    """

    version: TrackVersion
    left_s: int | None


def get_heard(
    track_id: UUID, *, query: dict[str, str], user_id: UUID | None, now: datetime
) -> Heard:
    """By a signed address, or because the track is public, or by who calls.

    Raises TrackNotFoundError, TrackNotReadyError for who may edit it.
    """
    track = Track.objects.kept().filter(pk=track_id).select_related("active").first()
    if track is None:
        raise TrackNotFoundError
    left_s = None
    if "signature" in query:
        left_s = check_link(track_id, query, now=now)
    elif track.visibility != Visibility.PUBLIC or track.status != TrackStatus.READY:
        if not Track.objects.editable_by(user_id).filter(pk=track_id).exists():
            raise TrackNotFoundError
        left_s = 0
    if track.active is None or track.active.status != TrackStatus.READY:
        raise TrackNotReadyError
    return Heard(track.active, left_s)


def stream_key(version: TrackVersion, name: str) -> str:
    """Where this playlist or segment lies. Raises TrackNotFoundError for what is no name."""
    if not rules.is_stream_name(name):
        raise TrackNotFoundError
    return f"{version.hls_prefix}/{name}"


def read_playlist(key: str, *, query: str) -> str:
    """The playlist, with the right to hear behind each of its addresses."""
    text = object_storage().read(key).decode()
    return rules.with_query(text, query) if query else text


def get_downloadable(track_id: UUID, *, user_id: UUID | None) -> tuple[TrackVersion, str]:
    """The active version, and the name of its file.

    Raises TrackNotFoundError, TrackNotReadyError for who may edit it, DownloadForbiddenError.
    """
    track = get_track(track_id, user_id=user_id)
    if track.active is None or track.active.status != TrackStatus.READY:
        raise TrackNotReadyError
    is_editor = Track.objects.editable_by(user_id).filter(pk=track_id).exists()
    if track.download != DownloadRule.EVERYONE and not is_editor:
        raise DownloadForbiddenError
    return track.active, track.active.source_name or f"{track.title}.audio"
