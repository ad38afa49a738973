"""What is told of tracks, and to whom."""

from collections.abc import Iterable
from uuid import UUID

from apps.events.services import publish
from apps.events.types import Actor, Fact, Subject
from apps.track.models import Track
from apps.track.types import TrackStatus, Visibility


def tell(
    fact: Fact,
    track: Track,
    *,
    actor: Actor | None = None,
    widely: bool = True,
    also: Iterable[UUID] = (),
) -> None:
    """Publish it in the rooms of the track and of its owner, and, `widely`, in that of everyone
    where everyone may see the track; `also` are users besides. The last statement of the caller's
    transaction.
    """
    rooms = [f"track:{track.id}", f"user:{track.owner_id}", *(f"user:{each}" for each in also)]
    is_seen = track.visibility == Visibility.PUBLIC and track.status == TrackStatus.READY
    if widely and is_seen and "public" in fact.rooms:
        rooms.append("public")
    publish(fact, subject=Subject(type="track", id=track.id), rooms=rooms, actor=actor)


def by(user_id: UUID) -> Actor:
    """A user acts."""
    return Actor(type="user", id=user_id)
