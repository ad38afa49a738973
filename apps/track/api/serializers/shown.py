"""Tracks for who makes this request."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from apps.track.models import Track, TrackVersion
from apps.track.selectors.shown import Address, show_tracks
from apps.track.types import TrackCard
from veza.kit.api.requests import absolute_url

# What changes how a track is shown to somebody who is nobody.
TOLD_OF_TRACKS = (
    "track.ready", "track.rejected", "track.updated", "track.deleted", "track.liked",
    "track.unliked",
)  # fmt: skip
TOLD_OF_PEOPLE = ("user.updated", "user.deleted")


def caller_id(request: Request) -> UUID | None:
    """The user who calls; None for nobody."""
    user = request.user
    return UUID(str(user.pk)) if user and user.is_authenticated else None


def address_for(request: Request) -> Address:
    """What makes whole addresses of paths, as this client knows us."""
    return partial(absolute_url, request)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A track in full; what is not said here is that of the card."""

    card: TrackCard
    description: str
    audio: TrackVersion | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.card, name)


def show_all(tracks: Iterable[Track], *, request: Request, now: datetime) -> list[TrackCard]:
    """As a list has them, in two statements."""
    return show_tracks(tracks, user_id=caller_id(request), address=address_for(request), now=now)


def show_whole(track: Track, *, request: Request, now: datetime) -> Shown:
    """One alone."""
    [card] = show_all([track], request=request, now=now)
    return Shown(card=card, description=track.description, audio=track.active)
