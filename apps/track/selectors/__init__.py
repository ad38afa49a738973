"""Reads. Nothing outside this app queries its tables."""

from apps.track.selectors.tracks import (
    get_editable_track,
    get_owned_track,
    get_track,
    liked_among,
    list_own_tracks,
    list_public_tracks,
    search_tracks,
)

__all__ = [
    "get_editable_track",
    "get_owned_track",
    "get_track",
    "liked_among",
    "list_own_tracks",
    "list_public_tracks",
    "search_tracks",
]
