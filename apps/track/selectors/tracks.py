"""Tracks, always for somebody."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from apps.auth.selectors import find_user_by_login
from apps.track.errors import TrackNotFoundError
from apps.track.models import Track, TrackLike
from apps.track.selectors.words import words_like
from veza.kit.search import with_mistyped, with_words

_RANGES = {
    "min_duration_ms": "duration_ms__gte",
    "max_duration_ms": "duration_ms__lte",
    "bpm_min": "bpm__gte",
    "bpm_max": "bpm__lte",
}
_SAME = {"genre": "genre__iexact", "artist": "artist__iexact"}


def get_track(track_id: UUID, *, user_id: UUID | None) -> Track:
    """Raises TrackNotFoundError, also for one that this caller may not see."""
    return _one(Track.objects.visible_to(user_id), track_id)


def get_editable_track(track_id: UUID, *, user_id: UUID) -> Track:
    """For its owner and those who may edit it. Raises TrackNotFoundError."""
    return _one(Track.objects.editable_by(user_id), track_id)


def get_owned_track(track_id: UUID, *, user_id: UUID) -> Track:
    """For its owner alone. Raises TrackNotFoundError."""
    return _one(Track.objects.of_user(user_id), track_id)


def list_public_tracks(filters: Mapping[str, Any]) -> QuerySet[Track]:
    """Public tracks that are ready; every filter that is given has to match."""
    return _filtered(Track.objects.listed(), filters)


def list_own_tracks(user_id: UUID, filters: Mapping[str, Any]) -> QuerySet[Track]:
    """The user's own, in every state."""
    return _filtered(Track.objects.of_user(user_id), filters, user_id=user_id)


def liked_among(track_ids: Iterable[UUID], *, user_id: UUID | None) -> set[UUID]:
    """Those of them that the user likes."""
    if user_id is None:
        return set()
    likes = TrackLike.objects.filter(user_id=user_id, track_id__in=list(track_ids))
    return set(likes.values_list("track_id", flat=True))


def _one(tracks: QuerySet[Track], track_id: UUID) -> Track:
    track = tracks.filter(pk=track_id).select_related("active").first()
    if track is None:
        raise TrackNotFoundError
    return track


def search_tracks(text: str, *, user_id: UUID | None, limit: int) -> list[Track]:
    """The best of what the caller may come upon; where nothing holds the words, what is alike."""
    seen = Track.objects.found_by(user_id)
    for matching in (_with_words, partial(_with_mistyped, user_id=user_id)):
        rows = matching(seen, text).order_by(F("relevance").desc(), "-id").select_related("active")
        if found := list(rows[:limit]):
            return found
    return []


def _with_words(tracks: QuerySet[Track], text: str) -> QuerySet[Track]:
    return with_words(tracks, text, vector=F("vector"))


def _with_mistyped(tracks: QuerySet[Track], text: str, *, user_id: UUID | None) -> QuerySet[Track]:
    known = partial(words_like, user_id=user_id)
    return with_mistyped(tracks, text, vector=F("vector"), known=known)


def _filtered(
    tracks: QuerySet[Track], filters: Mapping[str, Any], *, user_id: UUID | None = None
) -> QuerySet[Track]:
    """With `relevance`, the rank of the search, where there is one."""
    for name, lookup in (_RANGES | _SAME).items():
        if (value := filters.get(name)) not in (None, ""):
            tracks = tracks.filter(**{lookup: value})
    if tag := filters.get("tag"):
        tracks = tracks.filter(tags__contains=[tag.casefold()])
    if uploader := filters.get("uploader"):
        owner = find_user_by_login(uploader) if "@" not in uploader else None
        tracks = tracks.filter(owner_id=owner.id) if owner else tracks.none()
    if text := filters.get("search"):
        tracks = (
            _with_mistyped(tracks, text, user_id=user_id)
            if filters.get("similar")
            else _with_words(tracks, text)
        )
    return tracks.select_related("active")
