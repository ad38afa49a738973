"""What can go wrong with playlists."""

from veza.kit.errors import ConflictError, InvalidError, NotFoundError, TooLargeError


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


class PlaylistSmartError(ConflictError):
    """Its tracks follow from rules."""

    code = "playlist_is_smart"
    message = "The tracks of this playlist follow from its rules; change those."


class PlaylistNotEmptyError(ConflictError):
    """Items and rules do not go together."""

    code = "playlist_not_empty"
    message = "Only a playlist without items can be given rules."


class PlaylistRulesInvalidError(InvalidError):
    """The rules are none; `fields` says where."""


class PlaylistFileInvalidError(InvalidError):
    """No playlist that we can read."""

    code = "playlist_file_invalid"
    message = "This is no M3U8, M3U or JSPF playlist with entries."


class PlaylistFileTooLargeError(TooLargeError):
    """More bytes or entries than a playlist has."""

    code = "playlist_file_too_large"
    message = "A playlist has at most 2 MiB and 10,000 entries."
