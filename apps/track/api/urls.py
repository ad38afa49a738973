"""Addresses of recordings, relative to /api/v1/."""

from django.urls import path

from apps.track.api import internal
from apps.track.api.views import (
    collaborators,
    direct_uploads,
    playlist_artwork,
    playlist_collaborators,
    playlist_files,
    playlists,
    streams,
    tracks,
    uploads,
    versions,
)

urlpatterns = [
    path("playlists", playlists.PlaylistsView.as_view(), name="playlists"),
    path("playlists/import", playlist_files.ImportView.as_view(), name="playlist-import"),
    path("playlists/<uuid:playlist_id>", playlists.PlaylistView.as_view(), name="playlist"),
    path("playlists/<uuid:playlist_id>/items", playlists.ItemsView.as_view(), name="items"),
    path(
        "playlists/<uuid:playlist_id>/items/<uuid:item_id>",
        playlists.ItemView.as_view(),
        name="item",
    ),
    path(
        "playlists/<uuid:playlist_id>/collaborators",
        playlist_collaborators.CollaboratorsView.as_view(),
        name="playlist-collaborators",
    ),
    path(
        "playlists/<uuid:playlist_id>/collaborators/<str:username>",
        playlist_collaborators.CollaboratorView.as_view(),
        name="playlist-collaborator",
    ),
    path(
        "playlists/<uuid:playlist_id>/artwork",
        playlist_artwork.ArtworkView.as_view(),
        name="playlist-artwork",
    ),
    path(
        "playlists/<uuid:playlist_id>/export",
        playlist_files.ExportView.as_view(),
        name="playlist-export",
    ),
    path("tracks", tracks.TracksView.as_view(), name="tracks"),
    path("tracks/<uuid:track_id>", tracks.TrackView.as_view(), name="track"),
    path("tracks/<uuid:track_id>/restore", tracks.RestoreView.as_view(), name="track-restore"),
    path("tracks/<uuid:track_id>/status", tracks.StatusView.as_view(), name="track-status"),
    path("tracks/<uuid:track_id>/versions", versions.VersionsView.as_view(), name="versions"),
    path(
        "tracks/<uuid:track_id>/versions/<int:n>/activate",
        versions.ActivateView.as_view(),
        name="version-activate",
    ),
    path(
        "tracks/<uuid:track_id>/collaborators",
        collaborators.CollaboratorsView.as_view(),
        name="track-collaborators",
    ),
    path(
        "tracks/<uuid:track_id>/collaborators/<str:username>",
        collaborators.CollaboratorView.as_view(),
        name="track-collaborator",
    ),
    path(
        "internal/tracks/<uuid:track_id>/stream-ready",
        internal.StreamReadyView.as_view(),
        name="track-stream-ready",
    ),
    path("tracks/<uuid:track_id>/like", tracks.LikeView.as_view(), name="track-like"),
    path("tracks/<uuid:track_id>/waveform", streams.WaveformView.as_view(), name="track-waveform"),
    path(
        "tracks/<uuid:track_id>/stream/<path:name>",
        streams.StreamView.as_view(),
        name="track-stream",
    ),
    path("tracks/<uuid:track_id>/download", streams.DownloadView.as_view(), name="track-download"),
    path("uploads", uploads.UploadsView.as_view(), name="uploads"),
    path("uploads/direct", direct_uploads.DirectUploadsView.as_view(), name="direct-uploads"),
    path(
        "uploads/<uuid:upload_id>/complete",
        direct_uploads.CompleteUploadView.as_view(),
        name="upload-complete",
    ),
    path("uploads/<uuid:upload_id>", uploads.UploadView.as_view(), name="upload"),
]
