"""What can go wrong with recordings, by the codes that clients see."""

from apps.track.errors.playlists import (
    PlaylistFileInvalidError,
    PlaylistFileTooLargeError,
    PlaylistFullError,
    PlaylistItemInvalidError,
    PlaylistItemNotFoundError,
    PlaylistNotEmptyError,
    PlaylistNotFoundError,
    PlaylistRulesInvalidError,
    PlaylistSmartError,
)
from apps.track.errors.tracks import (
    DownloadForbiddenError,
    LinkInvalidError,
    TrackFileMissingError,
    TrackNotFoundError,
    TrackNotReadyError,
    TrackTooLargeError,
    VersionNotFoundError,
    VersionNotReadyError,
)

__all__ = [
    "DownloadForbiddenError",
    "LinkInvalidError",
    "PlaylistFileInvalidError",
    "PlaylistFileTooLargeError",
    "PlaylistFullError",
    "PlaylistItemInvalidError",
    "PlaylistItemNotFoundError",
    "PlaylistNotEmptyError",
    "PlaylistNotFoundError",
    "PlaylistRulesInvalidError",
    "PlaylistSmartError",
    "TrackFileMissingError",
    "TrackNotFoundError",
    "TrackNotReadyError",
    "TrackTooLargeError",
    "VersionNotFoundError",
    "VersionNotReadyError",
]
