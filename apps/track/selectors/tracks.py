"""Tracks, always for somebody."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, QuerySet

from apps.auth.selectors import find_user_by_login
from apps.track.errors import TrackNotFoundError
from apps.track.models import Track, TrackLike
from apps.track.rules import tracks as rules

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
    return _filtered(Track.objects.of_user(user_id), filters)


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


def _filtered(tracks: QuerySet[Track], filters: Mapping[str, Any]) -> QuerySet[Track]:
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
        words = rules.search_query(text)
        query = SearchQuery(words, config="simple", search_type="raw")
        tracks = tracks.filter(vector=query) if words else tracks.none()
        tracks = tracks.annotate(relevance=SearchRank(F("vector"), query))
    return tracks.select_related("active")
