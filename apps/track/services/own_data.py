"""What tracks hold on a person: how it is told to him, and how it goes."""

from uuid import UUID

from django.db.models import F

from apps.auth.selectors.personal_data import Part, Rows, register
from apps.track.models import (
    Playlist,
    PlaylistCollaborator,
    PlaylistItem,
    Track,
    TrackCollaborator,
    TrackLike,
)
from apps.track.services.artwork_files import let_go_of_artwork
from apps.track.services.purge import remove_tracks

TOLD = (
    "id", "title", "artist", "album", "genre", "tags", "description", "license", "visibility",
    "status", "duration_ms", "created_at", "published_at", "deleted_at",
)  # fmt: skip


def register_parts() -> None:
    """At start."""
    for part in _PARTS:
        register(part)


def _read_tracks(user_id: UUID) -> Rows:
    return list(Track.objects.filter(owner_id=user_id).order_by("id").values(*TOLD))


def _erase_tracks(user_id: UUID) -> None:
    """His recordings go with all their files."""
    remove_tracks(list(Track.objects.filter(owner_id=user_id).values_list("id", flat=True)))


def _read_collaborations(user_id: UUID) -> Rows:
    shared = TrackCollaborator.objects.filter(user_id=user_id).order_by("created_at")
    return list(shared.values("track_id", "track__title", "created_at"))


def _erase_collaborations(user_id: UUID) -> None:
    TrackCollaborator.objects.filter(user_id=user_id).delete()


def _read_likes(user_id: UUID) -> Rows:
    likes = TrackLike.objects.filter(user_id=user_id).order_by("created_at")
    return list(likes.values("track_id", "created_at"))


def _erase_likes(user_id: UUID) -> None:
    likes = TrackLike.objects.filter(user_id=user_id)
    track_ids = list(likes.order_by("track_id").values_list("track_id", flat=True))
    likes.delete()
    Track.objects.filter(pk__in=track_ids).update(like_count=F("like_count") - 1)


def _read_playlists(user_id: UUID) -> Rows:
    playlists = Playlist.objects.filter(owner_id=user_id).order_by("id")
    return list(
        playlists.values(
            "id", "title", "description", "visibility", "rules", "item_count", "created_at"
        )
    )


def _erase_playlists(user_id: UUID) -> None:
    own = Playlist.objects.filter(owner_id=user_id)
    for playlist in own.exclude(artwork_prefix="").only("artwork_prefix"):
        let_go_of_artwork(playlist)
    own.delete()
    PlaylistCollaborator.objects.filter(user_id=user_id).delete()
    PlaylistItem.objects.filter(added_by_id=user_id).update(added_by=None)


_PARTS = (
    Part(
        name="playlists",
        models=("track.Playlist", "track.PlaylistItem", "track.PlaylistCollaborator"),
        read=_read_playlists,
        erase=_erase_playlists,
    ),
    Part(
        name="tracks",
        models=("track.Track",),
        read=_read_tracks,
        erase=_erase_tracks,
    ),
    Part(
        name="shared_tracks",
        models=("track.TrackCollaborator",),
        read=_read_collaborations,
        erase=_erase_collaborations,
    ),
    Part(name="liked_tracks", models=("track.TrackLike",), read=_read_likes, erase=_erase_likes),
)
