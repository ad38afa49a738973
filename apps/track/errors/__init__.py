"""What can go wrong with recordings, by the codes that clients see."""

from apps.track.errors.playlists import (
    PlaylistFullError,
    PlaylistItemInvalidError,
    PlaylistItemNotFoundError,
    PlaylistNotFoundError,
)
from apps.track.errors.tracks import (
    DownloadForbiddenError,
    JobUnknownError,
    LinkInvalidError,
    PurchaseRequiredError,
    StaleVersionError,
    StreamReportInvalidError,
    TrackFileMissingError,
    TrackNotFoundError,
    TrackNotReadyError,
    TrackTooLargeError,
    VersionNotFoundError,
    VersionNotReadyError,
)

__all__ = [
    "DownloadForbiddenError",
    "JobUnknownError",
    "LinkInvalidError",
    "PlaylistFullError",
    "PlaylistItemInvalidError",
    "PlaylistItemNotFoundError",
    "PlaylistNotFoundError",
    "PurchaseRequiredError",
    "StaleVersionError",
    "StreamReportInvalidError",
    "TrackFileMissingError",
    "TrackNotFoundError",
    "TrackNotReadyError",
    "TrackTooLargeError",
    "VersionNotFoundError",
    "VersionNotReadyError",
]
