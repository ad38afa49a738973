"""Facts about recordings."""

from apps.track.events.playlists import (
    PlaylistCollaboratorAdded,
    PlaylistCollaboratorRemoved,
    PlaylistCreated,
    PlaylistDeleted,
    PlaylistItemAdded,
    PlaylistItemMoved,
    PlaylistItemRemoved,
    PlaylistUpdated,
)
from apps.track.events.tracks import (
    TrackCollaboratorAdded,
    TrackCollaboratorRemoved,
    TrackDeleted,
    TrackFailed,
    TrackLiked,
    TrackReady,
    TrackRejected,
    TrackRetried,
    TrackUnliked,
    TrackUpdated,
    TrackUploaded,
)
from apps.track.events.uploads import UploadFinished

__all__ = [
    "PlaylistCollaboratorAdded",
    "PlaylistCollaboratorRemoved",
    "PlaylistCreated",
    "PlaylistDeleted",
    "PlaylistItemAdded",
    "PlaylistItemMoved",
    "PlaylistItemRemoved",
    "PlaylistUpdated",
    "TrackCollaboratorAdded",
    "TrackCollaboratorRemoved",
    "TrackDeleted",
    "TrackFailed",
    "TrackLiked",
    "TrackReady",
    "TrackRejected",
    "TrackRetried",
    "TrackUnliked",
    "TrackUpdated",
    "TrackUploaded",
    "UploadFinished",
]
