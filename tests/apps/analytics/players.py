"""Players that tell what they play, as events on the wire."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from apps.track.models import Track
from tests.factories.auth import make_user

EVENTS = "/api/v1/events"


def make_track(**told: Any) -> Track:
    """A public track of four minutes that can be heard."""
    fields = {"visibility": "public", "status": "ready", "duration_ms": 240_000, **told}
    owner = fields.pop("owner", None) or make_user()
    return Track.objects.create(owner=owner, title="Dawn", **fields)


def hour_ago(hours: int = 1) -> datetime:
    """The tenth minute of an hour that is over."""
    now = timezone.now().astimezone(UTC)
    return now.replace(minute=10, second=0, microsecond=0) - timedelta(hours=hours)


def event(track_id: UUID, kind: str, at: datetime, position_ms: int, **told: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "type": kind,
        "track_id": str(track_id),
        "at": at.isoformat().replace("+00:00", "Z"),
        "position_ms": position_ms,
        **told,
    }


def hearing(
    track_id: UUID, *, seconds: int, at: datetime, start_ms: int = 0, **told: Any
) -> list[dict[str, Any]]:
    """What a player tells of so many seconds without a pause: every ten, and at the end."""
    marks = [*range(0, seconds, 10)[1:], seconds]
    return [
        event(track_id, "play_started", at, start_ms, **told),
        *(
            event(track_id, "play_progress", at + timedelta(seconds=s), start_ms + s * 1000, **told)
            for s in marks
        ),
    ]
