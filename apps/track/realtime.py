"""The rooms of a track and of a playlist: facts, progress, who is there."""

from uuid import UUID

from apps.realtime.services import expel, room, watch_facts
from apps.realtime.types import Message, Viewer
from apps.track.errors import PlaylistNotFoundError, TrackNotFoundError
from apps.track.events import (
    PlaylistDeleted,
    PlaylistUpdated,
    TrackCollaboratorRemoved,
    TrackDeleted,
    TrackUpdated,
)
from apps.track.selectors import get_track
from apps.track.selectors.playlists import get_playlist

LIMITS = frozenset({"visibility", "collaborators", "deleted_at"})


def _may_see(viewer: Viewer, *, id: str) -> bool:  # noqa: A002 - the term of the room's name
    try:
        get_track(UUID(id), user_id=UUID(viewer.user_id) if viewer.user_id else None)
    except (TrackNotFoundError, ValueError):
        return False
    return True


def _may_see_playlist(viewer: Viewer, *, id: str) -> bool:  # noqa: A002 - the same
    try:
        get_playlist(UUID(id), user_id=UUID(viewer.user_id) if viewer.user_id else None)
    except (PlaylistNotFoundError, ValueError):
        return False
    return True


def _ask_again(fact: Message) -> None:
    """Whoever may not see it any more leaves its room."""
    if LIMITS.intersection(fact.data.get("changed", LIMITS)):
        expel(f"{fact.envelope['subject']['type']}:{fact.envelope['subject']['id']}")


room("track:{id}", may_join=_may_see, queries=True)
room("playlist:{id}", may_join=_may_see_playlist, has_presence=True, queries=True)
for kind in (
    TrackUpdated,
    TrackDeleted,
    TrackCollaboratorRemoved,
    PlaylistUpdated,
    PlaylistDeleted,
):
    watch_facts(kind.name, _ask_again)
