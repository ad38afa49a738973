"""Pictures of playlists."""

from typing import IO
from uuid import UUID

from django.db import transaction

from apps.auth.services.picture_files import remove_files, store_files
from apps.track.models import Playlist
from apps.track.rules.artwork import ARTWORK
from apps.track.selectors.playlists import get_own_playlist
from apps.track.services.artwork_files import let_go_of_artwork
from apps.track.services.playlists import Check, lock_own, tell_updated
from veza.kit.errors import VezaError


def set_artwork(
    *, playlist_id: UUID, user_id: UUID, source: IO[bytes], check: Check | None = None
) -> Playlist:
    """Show this picture instead of the one before. For the owner.

    Raises PlaylistNotFoundError, PictureInvalidError, PictureTooLargeError,
    StorageUnavailableError, StorageFullError, and what `check` raises.
    """
    get_own_playlist(playlist_id, user_id=user_id)
    prefix = store_files(ARTWORK, source)
    try:
        return _show(playlist_id, user_id=user_id, prefix=prefix, check=check)
    except VezaError:  # after other failures nobody knows whether it was committed
        remove_files(ARTWORK, prefix)
        raise


def remove_artwork(*, playlist_id: UUID, user_id: UUID, check: Check | None = None) -> Playlist:
    """Show that of the first track again. A repeat changes nothing.

    Raises PlaylistNotFoundError, and what `check` raises.
    """
    return _show(playlist_id, user_id=user_id, prefix="", check=check)


@transaction.atomic
def _show(playlist_id: UUID, *, user_id: UUID, prefix: str, check: Check | None) -> Playlist:
    playlist = lock_own(playlist_id, user_id=user_id)
    if check:
        check(playlist)
    if prefix == playlist.artwork_prefix:
        return playlist
    let_go_of_artwork(playlist)
    playlist.artwork_prefix = prefix
    playlist.save(update_fields=["artwork_prefix", "updated_at"])
    tell_updated(playlist, "artwork", user_id=user_id)
    return playlist
