"""The rooms of a track and of a playlist: facts, progress, who is there."""

from uuid import UUID

from apps.realtime.feeds import Feed, feed
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
from apps.track.types import Stage

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


room("track:{id}", may_join=_may_see, queries=True, about="A track, for whoever may see it.")
room(
    "playlist:{id}",
    may_join=_may_see_playlist,
    has_presence=True,
    queries=True,
    about="A playlist, for whoever may see it; it shows who else is there.",
)
feed(
    Feed(
        type="track.progress",
        about="A version of a track has come so far on its way to being heard.",
        rooms=("track:{id}",),
        properties={
            "track_id": {"type": "string", "format": "uuid"},
            "n": {"type": "integer", "minimum": 1, "description": "Of the version."},
            "stage": {"enum": [stage.value for stage in Stage]},
            "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        },
        example={
            "track_id": "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d51",
            "n": 1,
            "stage": "transcoding",
            "progress": 60,
        },
    )
)
for kind in (
    TrackUpdated,
    TrackDeleted,
    TrackCollaboratorRemoved,
    PlaylistUpdated,
    PlaylistDeleted,
):
    watch_facts(kind.name, _ask_again)
