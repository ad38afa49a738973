"""What counting holds on a person: how it is told to him, and how it goes."""

import secrets
from uuid import UUID

from apps.analytics.models import Listening, ListeningEvent
from apps.analytics.services.intake import HASH_LENGTH
from apps.auth.selectors.personal_data import Part, Rows, register


def register_parts() -> None:
    """At start."""
    register(_PART)


def _read(user_id: UUID) -> Rows:
    rows = Listening.objects.filter(user_id=user_id).order_by("started_at", "id")
    return list(
        rows.values("track_id", "started_at", "listened_ms", "source", "country", "is_counted")
    )


def _erase(user_id: UUID) -> None:
    """His plays stay counted as those of one who is nobody; the hash that led to him goes."""
    ListeningEvent.objects.filter(user_id=user_id).delete()
    nobody = secrets.token_hex(HASH_LENGTH // 2)
    Listening.objects.filter(user_id=user_id).update(user=None, listener=nobody)


_PART = Part(
    name="listenings",
    models=("analytics.ListeningEvent", "analytics.Listening"),
    read=_read,
    erase=_erase,
)
