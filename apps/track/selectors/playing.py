"""What whoever counts plays asks of tracks."""

from collections.abc import Collection
from uuid import UUID

from apps.track.models import Track


def durations_of(track_ids: Collection[UUID], *, user_id: UUID | None) -> dict[UUID, int | None]:
    """By track, those alone that this caller may see."""
    if not track_ids:
        return {}
    seen = Track.objects.visible_to(user_id).filter(pk__in=track_ids)
    return dict(seen.values_list("id", "duration_ms"))


def titles_of(track_ids: Collection[UUID]) -> dict[UUID, str]:
    """By track; those that are deleted have none."""
    return dict(Track.objects.kept().filter(pk__in=track_ids).values_list("id", "title"))


def own_track_ids(user_id: UUID) -> list[UUID]:
    """Of all that a user has uploaded and kept."""
    return list(Track.objects.of_user(user_id).order_by("id").values_list("id", flat=True))
