"""What a player asks for: playlists, segments, the waveform."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from apps.track.errors import (
    DownloadForbiddenError,
    TrackNotFoundError,
    TrackNotReadyError,
)
from apps.track.models import Track, TrackVersion
from apps.track.rules import tracks as rules
from apps.track.selectors.access import access_to
from apps.track.selectors.links import Right, check_link
from apps.track.selectors.tracks import get_track
from apps.track.types import AccessState, DownloadRule, TrackStatus, Visibility
from veza.integrations.object_storage import object_storage

INDEX = "index.m3u8"


class Heard(NamedTuple):
    """A version that may be heard, the whole or its preview, and for how long an answer may be
    kept; `left_s` is None for what everyone may hear, which caches may share.
    """

    version: TrackVersion
    left_s: int | None
    is_preview: bool


def get_heard(
    track_id: UUID, *, query: dict[str, str], user_id: UUID | None, now: datetime
) -> Heard:
    """By a signed address, or because the track is public, or by who calls.

    Raises TrackNotFoundError, TrackNotReadyError for who may edit it.
    """
    track = Track.objects.kept().filter(pk=track_id).select_related("active").first()
    if track is None:
        raise TrackNotFoundError
    right = None
    if "signature" in query:
        right = check_link(track_id, query, now=now)
    elif track.visibility != Visibility.PUBLIC or track.status != TrackStatus.READY:
        if not Track.objects.editable_by(user_id).filter(pk=track_id).exists():
            raise TrackNotFoundError
        right = Right(0, is_preview=False)
    if track.active is None or track.active.status != TrackStatus.READY:
        raise TrackNotReadyError
    if right is None and is_open(track):
        return Heard(track.active, None, is_preview=False)
    right = right or _bought(track, user_id)
    return Heard(track.active, right.left_s, right.is_preview)


def is_open(track: Track) -> bool:
    """Whether everyone may hear all of it, without a signed address."""
    if track.visibility != Visibility.PUBLIC or track.status != TrackStatus.READY:
        return False
    return access_to([track], user_id=None)[track.id].state == AccessState.PLAYABLE


def _bought(track: Track, user_id: UUID | None) -> Right:
    """Of a track for sale, by who calls, so the answer is his alone."""
    state = access_to([track], user_id=user_id)[track.id].state
    return Right(0, is_preview=state != AccessState.PLAYABLE)


def stream_key(heard: Heard, name: str) -> str:
    """Where this playlist or segment lies. Raises TrackNotFoundError for what is no name, and for
    a segment behind the end of the preview.
    """
    prefix = heard.version.hls_prefix
    if not prefix or not rules.is_stream_name(name):
        raise TrackNotFoundError
    if heard.is_preview and not name.endswith(".m3u8"):
        folder, _, file = name.rpartition("/")
        playlist = rules.preview_of(_read(f"{prefix}/{folder}/{INDEX}")) if folder else ""
        if file not in rules.addresses_in(playlist):
            raise TrackNotFoundError
    return f"{prefix}/{name}"


def read_playlist(heard: Heard, key: str, *, query: str) -> str:
    """The playlist, as far as it may be heard, with the right to hear behind each address."""
    text = _read(key)
    text = rules.preview_of(text) if heard.is_preview else text
    return rules.with_query(text, query) if query else text


def _read(key: str) -> str:
    return object_storage().read(key).decode()


def get_downloadable(track_id: UUID, *, user_id: UUID | None) -> tuple[TrackVersion, str]:
    """The active version, and the name of its file.

    Raises TrackNotFoundError, TrackNotReadyError for who may edit it, DownloadForbiddenError.
    """
    track = get_track(track_id, user_id=user_id)
    if track.active is None or track.active.status != TrackStatus.READY:
        raise TrackNotReadyError
    if access_to([track], user_id=user_id)[track.id].state != AccessState.PLAYABLE:
        raise DownloadForbiddenError
    is_editor = Track.objects.editable_by(user_id).filter(pk=track_id).exists()
    if track.download != DownloadRule.EVERYONE and not is_editor:
        raise DownloadForbiddenError
    return track.active, track.active.source_name or f"{track.title}.audio"
