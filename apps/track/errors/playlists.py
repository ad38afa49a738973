"""What can go wrong with playlists."""

from veza.kit.errors import ConflictError, InvalidError, NotFoundError


class PlaylistNotFoundError(NotFoundError):
    """There is no such playlist, or the caller may not see or change it."""

    code = "playlist_not_found"
    message = "There is no such playlist."


class PlaylistItemNotFoundError(NotFoundError):
    """There is no such item in this playlist."""

    code = "playlist_item_not_found"
    message = "There is no such item in this playlist."


class PlaylistFullError(ConflictError):
    """More would be no list any more."""

    code = "playlist_full"
    message = "A playlist holds at most 10,000 items."


class PlaylistItemInvalidError(InvalidError):
    """A track that cannot be added, or a place that is none; `fields` says which."""
