"""Playlists, always for somebody."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib.postgres.search import SearchVector
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from apps.auth.selectors import find_user_by_login, list_cards, usual_key
from apps.track.errors import PlaylistNotFoundError
from apps.track.models import Playlist, PlaylistCollaborator, PlaylistItem, Track
from apps.track.models.playlists import PlaylistQuerySet
from apps.track.rules.artwork import ARTWORK
from apps.track.selectors.shown import signed_address
from apps.track.types import PlaylistCard
from veza.kit.search import CONFIG, with_alike, with_words


def get_playlist(playlist_id: UUID, *, user_id: UUID | None) -> Playlist:
    """Raises PlaylistNotFoundError, also for one that this caller may not see."""
    return _one(_told(Playlist.objects.visible_to(user_id), user_id), playlist_id)


def get_own_playlist(playlist_id: UUID, *, user_id: UUID) -> Playlist:
    """For its owner alone. Raises PlaylistNotFoundError."""
    return _one(Playlist.objects.filter(owner_id=user_id), playlist_id)


def list_playlists(*, user_id: UUID | None, owner: str | None) -> QuerySet[Playlist]:
    """Public ones and those the caller works on; of one owner, by user name or `me`."""
    playlists = _told(Playlist.objects.listed_for(user_id), user_id)
    if owner == "me" and user_id is not None:
        return playlists.filter(owner_id=user_id)
    if owner:
        user = find_user_by_login(owner) if "@" not in owner else None
        return playlists.filter(owner_id=user.id) if user else playlists.none()
    return playlists


def search_playlists(text: str, *, user_id: UUID | None, limit: int) -> list[Playlist]:
    """The best of those that `list_playlists` has by title and description; where none holds the
    words, what is alike.
    """
    seen = _told(Playlist.objects.listed_for(user_id), user_id)
    vector = SearchVector("words", config=CONFIG)
    for rows in (with_words(seen, text, vector=vector), with_alike(seen, text)):
        if found := list(rows.order_by(F("relevance").desc(), "-id")[:limit]):
            return found
    return []


def list_items(playlist: Playlist, *, user_id: UUID | None) -> QuerySet[PlaylistItem]:
    """In order; without tracks that the caller may not see. For one that he may read."""
    seen = Track.objects.visible_to(user_id)
    items = PlaylistItem.objects.filter(playlist=playlist, track__in=seen)
    return items.select_related("track", "track__active")


def list_collaborators(playlist_id: UUID, *, user_id: UUID) -> QuerySet[PlaylistCollaborator]:
    """For who may change the items. Raises PlaylistNotFoundError."""
    playlist = _one(Playlist.objects.editable_by(user_id), playlist_id)
    return PlaylistCollaborator.objects.filter(playlist=playlist)


def show_playlists(playlists: Iterable[Playlist], *, now: datetime) -> list[PlaylistCard]:
    """Of those selectors, in one statement, however many there are."""
    rows = list(playlists)
    cards = list_cards(row.owner_id for row in rows)
    return [
        PlaylistCard(
            **{name: getattr(row, name) for name in _OWN},
            owner=cards.get(row.owner_id),
            item_count=None if row.is_smart else row.item_count,
            duration_ms=None if row.is_smart else cast(Any, row).duration_ms or 0,
            artwork_url=signed_address(_artwork_key(row), now=now),
            can_edit=cast(Any, row).can_edit,
        )
        for row in rows
    ]


_OWN = (
    "id", "title", "description", "visibility", "collaborative", "rules", "created_at",
    "updated_at",
)  # fmt: skip


def _artwork_key(row: Playlist) -> str | None:
    if row.artwork_prefix:
        return usual_key(ARTWORK, row.artwork_prefix)
    key: str | None = cast(Any, row).artwork_key
    return key


def _one(playlists: QuerySet[Playlist], playlist_id: UUID) -> Playlist:
    found = playlists.filter(pk=playlist_id).first()
    if found is None:
        raise PlaylistNotFoundError
    return found


def _told(playlists: PlaylistQuerySet, user_id: UUID | None) -> QuerySet[Playlist]:
    """With `duration_ms` of all its tracks, `artwork_key` of the first that has one, and
    `can_edit` for the caller.
    """
    items = PlaylistItem.objects.filter(playlist_id=OuterRef("pk"))
    total = items.values("playlist_id").annotate(ms=Sum("track__duration_ms")).values("ms")
    pictured = items.exclude(track__active__artwork_key="").exclude(track__active=None)
    public = pictured.filter(track__in=Track.objects.listed()).order_by("place")
    return playlists.with_can_edit(user_id).annotate(
        duration_ms=Subquery(total),
        artwork_key=Subquery(public.values("track__active__artwork_key")[:1]),
    )
