"""Playlists on their way into files, and the tracks that files name."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.urls import reverse

from apps.auth.selectors import list_cards
from apps.track.models import Playlist, Track
from apps.track.rules.playlist_files import our_id
from apps.track.selectors.playlists import get_playlist, list_items
from apps.track.selectors.shown import MASTER, Address
from apps.track.selectors.smart import list_smart_tracks, smart_order
from apps.track.types.playlist_files import Entry, ExportedPlaylist, ExportedTrack

AT_ONCE = 500


def export_playlist(
    playlist_id: UUID, *, user_id: UUID | None, address: Address, now: datetime
) -> ExportedPlaylist:
    """With the tracks that this caller may see. Addresses are never signed: who passes the file
    on passes no right on. Raises PlaylistNotFoundError.
    """
    playlist = get_playlist(playlist_id, user_id=user_id)
    owner = list_cards([playlist.owner_id]).get(playlist.owner_id)
    return ExportedPlaylist(
        id=playlist.id,
        title=playlist.title,
        description=playlist.description,
        creator=owner.username if owner else "",
        tracks=tuple(
            ExportedTrack(
                id=track.id,
                url=address(reverse("track-stream", kwargs={"track_id": track.id, "name": MASTER})),
                title=track.title,
                artist=track.artist,
                album=track.album,
                duration_ms=track.duration_ms,
            )
            for track in _tracks(playlist, user_id=user_id, now=now)
        ),
    )


def _tracks(playlist: Playlist, *, user_id: UUID | None, now: datetime) -> Iterable[Track]:
    if playlist.is_smart:
        return list_smart_tracks(playlist, user_id=user_id, now=now).order_by(
            *smart_order(playlist)
        )
    return [item.track for item in list_items(playlist, user_id=user_id).order_by("place")]


def match_entries(entries: Iterable[Entry], *, user_id: UUID) -> Mapping[int, UUID]:
    """The track of each position that has one: by our id where the caller may see it, else by title
    and artist, without regard to case, among what he may come upon; the most popular of several.
    """
    found: dict[int, UUID] = {}
    rows = list(entries)
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        found |= _by_id(some, user_id=user_id)
        found |= _by_name([each for each in some if each.position not in found], user_id=user_id)
    return found


def _by_id(entries: Sequence[Entry], *, user_id: UUID) -> dict[int, UUID]:
    ids = {each.position: track_id for each in entries if (track_id := our_id(each))}
    seen = Track.objects.visible_to(user_id).filter(pk__in=set(ids.values()))
    known = set(seen.values_list("id", flat=True))
    return {position: track_id for position, track_id in ids.items() if track_id in known}


def _by_name(entries: Sequence[Entry], *, user_id: UUID) -> dict[int, UUID]:
    names = {each.position: _name(each.title, each.artist) for each in entries if each.title}
    if not names:
        return {}
    rows = _named(
        Track.objects.found_by(user_id),
        titles={title for title, _ in names.values()},
        artists={artist for _, artist in names.values()},
    )
    ids = {_name(title, artist): track_id for title, artist, track_id in rows}
    return {position: ids[name] for position, name in names.items() if name in ids}


def _named(
    tracks: QuerySet[Track], *, titles: set[str], artists: set[str]
) -> QuerySet[Track, tuple[str, str, UUID]]:
    lower = tracks.alias(low_title=Lower("title"), low_artist=Lower("artist"))
    named = lower.filter(low_title__in=titles, low_artist__in=artists)
    return named.order_by(F("popularity"), "-id").values_list("title", "artist", "id")


def _name(title: str, artist: str) -> tuple[str, str]:
    return title.lower(), artist.lower()
