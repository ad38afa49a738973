"""Who else may edit a track."""

from uuid import UUID

from django.db.models import QuerySet

from apps.track.models import TrackCollaborator
from apps.track.selectors.tracks import get_editable_track


def list_collaborators(track_id: UUID, *, user_id: UUID) -> QuerySet[TrackCollaborator]:
    """For who may edit the track. Raises TrackNotFoundError."""
    track = get_editable_track(track_id, user_id=user_id)
    return TrackCollaborator.objects.filter(track=track)
