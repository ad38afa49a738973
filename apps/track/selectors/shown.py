"""Tracks as this caller sees them: whose they are, what he likes, where he may listen."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from apps.auth.selectors import list_cards
from apps.auth.types import PersonCard
from apps.track.models import Track
from apps.track.rules.tracks import access_to
from apps.track.selectors.links import LASTS, link_query
from apps.track.selectors.tracks import liked_among
from apps.track.types import TrackCard, TrackStats, TrackStatus, Visibility
from veza.integrations.object_storage import object_storage

MASTER = "master.m3u8"
Address = Callable[[str], str]
"""The whole address of a path, as this caller knows us."""


def show_tracks(
    tracks: Iterable[Track], *, user_id: UUID | None, address: Address, now: datetime
) -> list[TrackCard]:
    """In two statements, however many there are."""
    rows = list(tracks)
    cards = list_cards(track.owner_id for track in rows)
    liked = liked_among([track.id for track in rows], user_id=user_id)
    return [
        _card(
            track,
            uploader=cards.get(track.owner_id),
            liked=track.id in liked,
            address=address,
            now=now,
        )
        for track in rows
    ]


def _card(
    track: Track, *, uploader: PersonCard | None, liked: bool, address: Address, now: datetime
) -> TrackCard:
    return TrackCard(
        **{name: getattr(track, name) for name in _OWN},
        version=track.active.n if track.active else 1,
        uploader=uploader,
        stats=_stats(track),
        artwork_url=signed_address(track.active.artwork_key if track.active else "", now=now),
        waveform_url=_address(track, "track-waveform", address=address, now=now),
        stream_url=_address(track, "track-stream", address=address, now=now, name=MASTER),
        liked=liked,
        access=access_to(track.status),
    )


_OWN = (
    "id", "title", "artist", "album", "genre", "tags", "visibility", "license", "bpm",
    "musical_key", "download", "status", "duration_ms", "created_at", "published_at",
)  # fmt: skip


def _stats(track: Track) -> TrackStats:
    return TrackStats(
        plays=track.play_count,
        likes=track.like_count,
        comments=track.comment_count,
        shares=track.share_count,
        downloads=track.download_count,
    )


def _address(
    track: Track, route: str, *, address: Address, now: datetime, **parts: str
) -> str | None:
    """Signed where the track is not open to everyone; None until it is ready."""
    if track.active is None or track.active.status != TrackStatus.READY:
        return None
    path = reverse(route, kwargs={"track_id": track.id, **parts})
    is_open = track.visibility == Visibility.PUBLIC and track.status == TrackStatus.READY
    query = "" if is_open else "?" + link_query(track.id, now=now)
    return address(path + query)


def signed_address(key: str | None, *, now: datetime) -> str | None:
    """Where a stored picture is shown for some hours; None for none."""
    if not key:
        return None
    lifetime_s = int(LASTS.total_seconds())
    return object_storage().signed_url(key, now=now, lifetime_s=lifetime_s)
