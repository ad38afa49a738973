"""What follows whenever the ways to sign in to an account have changed."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.auth.events import UserUpdated
from apps.auth.models import Session, User
from apps.auth.services.sessions import revoke_session
from apps.auth.types import RevokedReason
from apps.events.services import publish
from apps.events.types import Actor, Subject


@transaction.atomic
def factors_changed(
    user: User, *, changed: str, keep_session_id: UUID | None, now: datetime
) -> None:
    """End every session but the one that made the change, and tell the user's own clients."""
    actor = Actor(type="user", id=user.id)
    others = Session.objects.of_user(user.id).unrevoked().filter(expires_at__gt=now)
    if keep_session_id is not None:
        others = others.exclude(pk=keep_session_id)
    for session_id in others.order_by("id").values_list("id", flat=True):
        revoke_session(
            session_id=session_id, reason=RevokedReason.FACTOR_CHANGED, now=now, actor=actor
        )
    publish(
        UserUpdated(user_id=user.id, username=user.username, changed=(changed,)),
        subject=Subject(type="user", id=user.id),
        rooms=[f"user:{user.id}"],
        actor=actor,
    )
