"""What can go wrong with recordings, by the codes that clients see."""

from apps.track.errors.making import RejectedError
from apps.track.errors.playlists import (
    PlaylistFullError,
    PlaylistItemInvalidError,
    PlaylistItemNotFoundError,
    PlaylistNotFoundError,
)
from apps.track.errors.tracks import (
    DownloadForbiddenError,
    LinkInvalidError,
    TrackFileMissingError,
    TrackNotFoundError,
    TrackNotReadyError,
    TrackTooLargeError,
    VersionEndedError,
    VersionNotFoundError,
    VersionNotReadyError,
)

__all__ = [
    "DownloadForbiddenError",
    "LinkInvalidError",
    "PlaylistFullError",
    "PlaylistItemInvalidError",
    "PlaylistItemNotFoundError",
    "PlaylistNotFoundError",
    "RejectedError",
    "TrackFileMissingError",
    "TrackNotFoundError",
    "TrackNotReadyError",
    "TrackTooLargeError",
    "VersionEndedError",
    "VersionNotFoundError",
    "VersionNotReadyError",
]
