"""Playlists made of files that other programs wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.track.errors import PlaylistFileInvalidError, PlaylistFileTooLargeError
from apps.track.models import Playlist, PlaylistItem
from apps.track.rules import playlist_files as files
from apps.track.rules.places import even_places
from apps.track.selectors.playlist_files import match_entries
from apps.track.services.playlists import MAX_ITEMS, create_playlist, tell_updated
from apps.track.types.playlist_files import Entry, ReadPlaylist
from veza.kit.words import folded

UNTITLED = "Imported playlist"
MAX_TITLE = 200


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The playlist, and what the file names besides."""

    playlist: Playlist
    added: int
    not_found: tuple[Entry, ...]


def import_playlist(*, user_id: UUID, told: Mapping[str, object], read: ReadPlaylist) -> Imported:
    """Make a playlist of those of the tracks that are here, in the order of the file.

    Raises PlaylistFileInvalidError for none at all, PlaylistFileTooLargeError.
    """
    if not read.entries:
        raise PlaylistFileInvalidError
    if len(read.entries) > MAX_ITEMS:
        raise PlaylistFileTooLargeError
    found = match_entries(read.entries, user_id=user_id)
    ids = [found[each.position] for each in read.entries if each.position in found]
    title = read.title[:MAX_TITLE] if folded(read.title) else UNTITLED
    playlist = _write(user_id=user_id, told={"title": title, **told}, track_ids=ids)
    missing = tuple(each for each in read.entries if each.position not in found)
    return Imported(playlist=playlist, added=len(ids), not_found=missing)


@transaction.atomic
def _write(*, user_id: UUID, told: Mapping[str, object], track_ids: list[UUID]) -> Playlist:
    playlist = create_playlist(user_id=user_id, told=told)
    if track_ids:
        PlaylistItem.objects.bulk_create(
            (
                PlaylistItem(playlist=playlist, track_id=track_id, added_by_id=user_id, place=place)
                for track_id, place in zip(track_ids, even_places(len(track_ids)), strict=True)
            ),
            batch_size=1000,
        )
        playlist.item_count = len(track_ids)
        playlist.save(update_fields=["item_count", "updated_at"])
        tell_updated(playlist, "items", user_id=user_id)
    return playlist


def read_file(content: bytes, *, read_json: files.ReadJson) -> ReadPlaylist:
    """By its content, never by its name. Raises PlaylistFileInvalidError, and what `read_json`
    raises.
    """
    try:
        text = files.decode(content)
        if text.lstrip().startswith("{"):
            return files.read_jspf(read_json(text))
        return files.read_m3u(text)
    except files.UnreadableError as fault:
        raise PlaylistFileInvalidError(str(fault)) from None
