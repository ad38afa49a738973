"""Likes: idempotent, and counted exactly."""

from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.track.events import TrackLiked, TrackUnliked
from apps.track.models import Track, TrackLike
from apps.track.selectors import get_track
from apps.track.services.facts import by, tell


@transaction.atomic
def like(*, track_id: UUID, user_id: UUID) -> None:
    """The user likes it; a repeat changes nothing. Raises TrackNotFoundError."""
    track = get_track(track_id, user_id=user_id)
    _, is_new = TrackLike.objects.get_or_create(track_id=track.id, user_id=user_id)
    if is_new:
        likes = _count(track, 1)
        fact = TrackLiked(track_id=track.id, owner_id=track.owner_id, likes=likes)
        tell(fact, track, actor=by(user_id), widely=False)


@transaction.atomic
def unlike(*, track_id: UUID, user_id: UUID) -> None:
    """The user does not like it any more; a repeat changes nothing. Raises TrackNotFoundError."""
    track = get_track(track_id, user_id=user_id)
    gone, _ = TrackLike.objects.filter(track_id=track.id, user_id=user_id).delete()
    if gone:
        likes = _count(track, -1)
        fact = TrackUnliked(track_id=track.id, owner_id=track.owner_id, likes=likes)
        tell(fact, track, actor=by(user_id), widely=False)


def _count(track: Track, change: int) -> int:
    """The number after the change; the row stays locked until the end of the transaction."""
    Track.objects.filter(pk=track.pk).update(like_count=F("like_count") + change)
    track.refresh_from_db(fields=["like_count"])
    return track.like_count
