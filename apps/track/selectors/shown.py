"""Tracks as this caller sees them: whose they are, what he likes, where he may listen."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.urls import reverse

from apps.auth.selectors import list_cards
from apps.auth.types import PersonCard
from apps.track.models import Track
from apps.track.selectors.access import access_to
from apps.track.selectors.links import LASTS, link_query
from apps.track.selectors.tracks import liked_among
from apps.track.types import (
    Access,
    AccessState,
    TrackCard,
    TrackStats,
    TrackStatus,
    Visibility,
)
from veza.integrations.object_storage import object_storage

MASTER = "master.m3u8"
Address = Callable[[str], str]
"""The whole address of a path, as this caller knows us."""


def show_tracks(
    tracks: Iterable[Track], *, user_id: UUID | None, address: Address, now: datetime
) -> list[TrackCard]:
    """In two statements, however many there are; more where tracks are for sale."""
    rows = list(tracks)
    heard = access_to(rows, user_id=user_id)
    openly = access_to(rows, user_id=None)
    cards = list_cards(track.owner_id for track in rows)
    liked = liked_among([track.id for track in rows], user_id=user_id)
    return [
        _card(
            track,
            _Seen(
                uploader=cards.get(track.owner_id),
                liked=track.id in liked,
                access=heard[track.id],
                openly=openly[track.id],
            ),
            address=address,
            now=now,
        )
        for track in rows
    ]


class _Seen(NamedTuple):
    """What is asked for many tracks at once: of this caller, and of nobody."""

    uploader: PersonCard | None
    liked: bool
    access: Access
    openly: Access


def _card(track: Track, seen: _Seen, *, address: Address, now: datetime) -> TrackCard:
    query = _query(track, seen, now=now)
    is_heard = seen.access.state != AccessState.BLOCKED
    return TrackCard(
        **{name: getattr(track, name) for name in _OWN},
        version=track.active.n if track.active else 1,
        uploader=seen.uploader,
        stats=_stats(track),
        artwork_url=signed_address(track.active.artwork_key if track.active else "", now=now),
        waveform_url=_address(track, "track-waveform", query=query, address=address),
        stream_url=_address(track, "track-stream", query=query, address=address, name=MASTER)
        if is_heard
        else None,
        liked=seen.liked,
        access=seen.access,
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


def _query(track: Track, seen: _Seen, *, now: datetime) -> str:
    """The right to hear as much as the caller may, where not everyone may without it."""
    is_public = track.visibility == Visibility.PUBLIC and track.status == TrackStatus.READY
    if is_public and seen.access.state == seen.openly.state:
        return ""
    return link_query(track.id, now=now, is_preview=seen.access.state != AccessState.PLAYABLE)


def _address(track: Track, route: str, *, query: str, address: Address, **parts: str) -> str | None:
    """None until it is ready."""
    if track.active is None or track.active.status != TrackStatus.READY:
        return None
    path = reverse(route, kwargs={"track_id": track.id, **parts})
    return address(f"{path}?{query}" if query else path)


def signed_address(key: str | None, *, now: datetime) -> str | None:
    """Where a stored picture is shown for some hours; None for none."""
    if not key:
        return None
    lifetime_s = int(LASTS.total_seconds())
    return object_storage().signed_url(key, now=now, lifetime_s=lifetime_s)
