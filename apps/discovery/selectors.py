"""The search across apps."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from apps.auth.selectors import search_people
from apps.discovery.types import Asking, Found, Kind
from apps.track.selectors import search_tracks
from apps.track.selectors.playlists import search_playlists, show_playlists
from apps.track.selectors.shown import Address, show_tracks


def search(
    asking: Asking, *, user_id: UUID | None, address: Address, now: datetime
) -> dict[str, Sequence[Found]]:
    """A list for each kind, the best first: what the caller may come upon, and no more than
    `limit`. Streams and products have nobody yet who knows them.
    """
    text, limit = asking.text, asking.limit

    def tracks() -> Sequence[Found]:
        found = search_tracks(text, user_id=user_id, limit=limit)
        return show_tracks(found, user_id=user_id, address=address, now=now)

    def playlists() -> Sequence[Found]:
        found = search_playlists(text, user_id=user_id, limit=limit)
        return show_playlists(found, now=now)

    def people() -> Sequence[Found]:
        return search_people(text, limit=limit)

    searchers: dict[Kind, Callable[[], Sequence[Found]]] = {
        Kind.TRACKS: tracks,
        Kind.USERS: people,
        Kind.PLAYLISTS: playlists,
    }
    nothing: Callable[[], Sequence[Found]] = tuple
    return {kind.value: searchers.get(kind, nothing)() for kind in asking.kinds}
