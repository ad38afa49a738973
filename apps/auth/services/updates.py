"""Telling that a user has changed."""

from functools import partial

from django.db import transaction

from apps.auth.events import UserUpdated
from apps.auth.models import User
from apps.auth.selectors import forget_user
from apps.events.services import publish
from apps.events.types import Actor, Subject


def publish_updated(user: User, *changed: str, actor: Actor | None) -> None:
    """Publish UserUpdated, as the last statement of the caller's transaction."""
    transaction.on_commit(partial(forget_user, user.id))
    publish(
        UserUpdated(user_id=user.id, username=user.username, changed=changed),
        subject=Subject(type="user", id=user.id),
        rooms=[f"user:{user.id}"],
        actor=actor,
    )
