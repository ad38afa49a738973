"""What follows whenever the ways to sign in to an account have changed."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.auth.models import User
from apps.auth.services.sessions import revoke_sessions
from apps.auth.services.updates import publish_updated
from apps.auth.types import RevokedReason
from apps.events.types import Actor


@transaction.atomic
def factors_changed(
    user: User,
    *,
    changed: str,
    keep_session_id: UUID | None,
    now: datetime,
    reason: RevokedReason = RevokedReason.FACTOR_CHANGED,
) -> None:
    """End every session but the one that made the change, and tell the user's own clients."""
    actor = Actor(type="user", id=user.id)
    revoke_sessions(
        user_id=user.id,
        reason=reason,
        now=now,
        actor=actor,
        keep_session_id=keep_session_id,
    )
    publish_updated(user, changed, actor=actor)
