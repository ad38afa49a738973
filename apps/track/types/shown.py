"""Tracks and playlists as a caller sees them in a list: the members are those of the wire."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.auth.types import PersonCard
from apps.track.types.tracks import Access


@dataclass(frozen=True, kw_only=True)
class TrackStats:
    """Counted exactly."""

    plays: int
    likes: int
    comments: int
    shares: int
    downloads: int


@dataclass(frozen=True, kw_only=True)
class TrackCard:
    """A track for one caller."""

    id: UUID
    title: str
    artist: str
    album: str
    genre: str
    tags: list[str]
    visibility: str
    license: str
    bpm: float | None
    musical_key: str
    download: str
    status: str
    version: int
    duration_ms: int | None
    uploader: PersonCard | None
    stats: TrackStats
    artwork_url: str | None
    waveform_url: str | None
    stream_url: str | None
    liked: bool
    access: Access
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PlaylistCard:
    """A playlist; what a smart one holds depends on who reads it, so it is not counted."""

    id: UUID
    title: str
    description: str
    visibility: str
    collaborative: bool
    owner: PersonCard | None
    rules: dict[str, Any] | None
    item_count: int | None
    duration_ms: int | None
    artwork_url: str | None
    can_edit: bool
    created_at: datetime
    updated_at: datetime
