"""Tables of tracks."""

from apps.track.models.playlists import Playlist, PlaylistCollaborator, PlaylistItem
from apps.track.models.steps import StepEntry
from apps.track.models.tracks import Track, TrackCollaborator, TrackLike
from apps.track.models.uploads import Upload
from apps.track.models.versions import Rendition, TrackVersion
from apps.track.models.words import TrackWord

__all__ = [
    "Playlist",
    "PlaylistCollaborator",
    "PlaylistItem",
    "Rendition",
    "StepEntry",
    "Track",
    "TrackCollaborator",
    "TrackLike",
    "TrackVersion",
    "TrackWord",
    "Upload",
]
