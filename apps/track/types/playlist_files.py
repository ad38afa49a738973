"""The words of playlists as files."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A track as a file names it; `position` counts from 1."""

    position: int
    title: str = ""
    artist: str = ""
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadPlaylist:
    """What a file holds."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class ExportedTrack:
    """A track as it goes into a file."""

    id: UUID
    url: str
    title: str
    artist: str
    album: str
    duration_ms: int | None


@dataclass(frozen=True, kw_only=True)
class ExportedPlaylist:
    """A playlist as it goes into a file."""

    id: UUID
    title: str
    description: str
    creator: str
    tracks: tuple[ExportedTrack, ...]
