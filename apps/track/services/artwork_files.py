"""Files of playlists' own pictures, after the rows that name them."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import transaction

from apps.auth.services.picture_files import remove_files, sweep_folder
from apps.track.models import Playlist
from apps.track.rules.artwork import ARTWORK


def let_go_of_artwork(playlist: Playlist) -> None:
    """The picture is not this playlist's any more; its files go when that is committed.

    For who holds the playlist's lock, and saves or deletes it.
    """
    if playlist.artwork_prefix:
        remove = partial(remove_files, ARTWORK, playlist.artwork_prefix)
        transaction.on_commit(remove, robust=True)
        playlist.artwork_prefix = ""


def sweep_artwork(*, now: datetime) -> int:
    """Remove what has lain in the storage for a day and is no playlist's; how many files."""
    return sweep_folder(ARTWORK, find_used=_find_used, now=now)


def _find_used(prefixes: Collection[str]) -> set[str]:
    used = Playlist.objects.filter(artwork_prefix__in=prefixes)
    return set(used.values_list("artwork_prefix", flat=True))
