"""Who else may edit a track: chosen by its owner."""

from uuid import UUID

from django.db import transaction

from apps.auth.errors import UserNotFoundError
from apps.auth.selectors import find_user_by_login
from apps.track.errors import TrackNotFoundError
from apps.track.events import TrackCollaboratorAdded, TrackCollaboratorRemoved
from apps.track.models import TrackCollaborator
from apps.track.services.facts import by, tell
from apps.track.services.tracks import lock_editable


@transaction.atomic
def add_collaborator(*, track_id: UUID, user_id: UUID, username: str) -> None:
    """For the owner. A repeat changes nothing. Raises TrackNotFoundError, UserNotFoundError."""
    track = lock_editable(track_id, user_id=user_id)
    if track.owner_id != user_id:
        raise TrackNotFoundError
    user = find_user_by_login(username) if "@" not in username else None
    if user is None or not user.is_active:
        raise UserNotFoundError
    if user.id == track.owner_id:
        return
    _, is_new = TrackCollaborator.objects.get_or_create(track=track, user_id=user.id)
    if is_new:
        fact = TrackCollaboratorAdded(
            track_id=track.id, owner_id=track.owner_id, collaborator_id=user.id
        )
        tell(fact, track, actor=by(user_id), also=[user.id])


@transaction.atomic
def remove_collaborator(*, track_id: UUID, user_id: UUID, username: str) -> None:
    """By the owner, or by the collaborator himself. A repeat changes nothing.

    Raises TrackNotFoundError.
    """
    track = lock_editable(track_id, user_id=user_id)
    user = find_user_by_login(username) if "@" not in username else None
    if user_id != track.owner_id and (user is None or user_id != user.id):
        raise TrackNotFoundError
    if user is None:
        return
    gone, _ = TrackCollaborator.objects.filter(track=track, user_id=user.id).delete()
    if gone:
        fact = TrackCollaboratorRemoved(
            track_id=track.id, owner_id=track.owner_id, collaborator_id=user.id
        )
        tell(fact, track, actor=by(user_id), also=[user.id])
