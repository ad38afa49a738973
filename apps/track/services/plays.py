"""Plays of tracks, as whoever counts them says."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.track.models import Track


@transaction.atomic
def add_plays(changes: Mapping[UUID, int]) -> None:
    """Add these to the plays of the tracks; in the transaction of what was counted, and last: the
    rows stay locked until its end. Always in one order, so that two never wait for each other.
    """
    for track_id in sorted(changes):
        if change := changes[track_id]:
            Track.objects.filter(pk=track_id).update(play_count=F("play_count") + change)
