"""Tracks as this caller sees them: whose they are, what he likes, where he may listen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request

from apps.auth.selectors import list_cards
from apps.auth.types import PersonCard
from apps.track.models import Track, TrackVersion
from apps.track.selectors import liked_among
from apps.track.selectors.access import access_to
from apps.track.selectors.links import LASTS, link_query
from apps.track.types import Access, AccessState, TrackStatus, Visibility
from veza.integrations.object_storage import object_storage
from veza.kit.api.requests import absolute_url

MASTER = "master.m3u8"
# What changes how a track is shown to somebody who is nobody.
TOLD_OF_TRACKS = (
    "track.ready", "track.rejected", "track.updated", "track.deleted", "track.liked",
    "track.unliked",
)  # fmt: skip
TOLD_OF_PEOPLE = ("user.updated", "user.erased")


def caller_id(request: Request) -> UUID | None:
    """The user who calls; None for nobody."""
    user = request.user
    return UUID(str(user.pk)) if user and user.is_authenticated else None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A track for one caller; what is not said here is the track's own."""

    track: Track
    uploader: PersonCard | None
    liked: bool
    access: Access
    artwork_url: str | None
    waveform_url: str | None
    stream_url: str | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.track, name)

    @property
    def audio(self) -> TrackVersion | None:
        return self.track.active

    @property
    def version(self) -> int:
        return self.track.active.n if self.track.active else 1


def show_all(tracks: Iterable[Track], *, request: Request, now: datetime) -> Sequence[Shown]:
    """In two statements, however many there are; more where tracks are for sale."""
    rows = list(tracks)
    heard = access_to(rows, user_id=caller_id(request))
    openly = access_to(rows, user_id=None)
    query = {
        track.id: _query(track, heard[track.id], openly=openly[track.id], now=now) for track in rows
    }
    cards = list_cards(track.owner_id for track in rows)
    liked = liked_among([track.id for track in rows], user_id=caller_id(request))
    return [
        Shown(
            track=track,
            uploader=cards.get(track.owner_id),
            liked=track.id in liked,
            access=heard[track.id],
            artwork_url=_artwork(track, now=now),
            waveform_url=_address(request, track, "track-waveform", query=query[track.id]),
            stream_url=None
            if heard[track.id].state == AccessState.BLOCKED
            else _address(request, track, "track-stream", query=query[track.id], name=MASTER),
        )
        for track in rows
    ]


def _query(track: Track, access: Access, *, openly: Access, now: datetime) -> str:
    """The right to hear as much as the caller may, where not everyone may without it."""
    is_public = track.visibility == Visibility.PUBLIC and track.status == TrackStatus.READY
    if is_public and access.state == openly.state:
        return ""
    return link_query(track.id, now=now, is_preview=access.state != AccessState.PLAYABLE)


def _address(request: Request, track: Track, route: str, *, query: str, **parts: str) -> str | None:
    """None until it is ready."""
    if track.active is None or track.active.status != TrackStatus.READY:
        return None
    path = reverse(route, kwargs={"track_id": track.id, **parts})
    return absolute_url(request, f"{path}?{query}" if query else path)


def _artwork(track: Track, *, now: datetime) -> str | None:
    if track.active is None or not track.active.artwork_key:
        return None
    return object_storage().signed_url(
        track.active.artwork_key, now=now, lifetime_s=int(LASTS.total_seconds())
    )
