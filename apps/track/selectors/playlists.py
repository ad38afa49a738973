"""Playlists, always for somebody."""

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from apps.auth.selectors import find_user_by_login
from apps.track.errors import PlaylistNotFoundError
from apps.track.models import Playlist, PlaylistItem, Track


def get_playlist(playlist_id: UUID, *, user_id: UUID | None) -> Playlist:
    """Raises PlaylistNotFoundError, also for one that this caller may not see."""
    found = _told(Playlist.objects.visible_to(user_id)).filter(pk=playlist_id).first()
    if found is None:
        raise PlaylistNotFoundError
    return found


def list_playlists(*, user_id: UUID | None, owner: str | None) -> QuerySet[Playlist]:
    """Public ones and those the caller works on; of one owner, by user name or `me`."""
    playlists = _told(Playlist.objects.listed_for(user_id))
    if owner == "me" and user_id is not None:
        return playlists.filter(owner_id=user_id)
    if owner:
        user = find_user_by_login(owner) if "@" not in owner else None
        return playlists.filter(owner_id=user.id) if user else playlists.none()
    return playlists


def list_items(playlist_id: UUID, *, user_id: UUID | None) -> QuerySet[PlaylistItem]:
    """In order; without tracks that the caller may not see. Raises PlaylistNotFoundError."""
    get_playlist(playlist_id, user_id=user_id)
    seen = Track.objects.visible_to(user_id)
    items = PlaylistItem.objects.filter(playlist_id=playlist_id, track__in=seen)
    return items.select_related("track", "track__active")


def _told(playlists: QuerySet[Playlist]) -> QuerySet[Playlist]:
    """With `duration_ms` of all its tracks, and `artwork_key` of the first that has one."""
    items = PlaylistItem.objects.filter(playlist_id=OuterRef("pk"))
    total = items.values("playlist_id").annotate(ms=Sum("track__duration_ms")).values("ms")
    pictured = items.exclude(track__active__artwork_key="").exclude(track__active=None)
    public = pictured.filter(track__in=Track.objects.listed()).order_by("place")
    return playlists.annotate(
        duration_ms=Subquery(total),
        artwork_key=Subquery(public.values("track__active__artwork_key")[:1]),
    )
