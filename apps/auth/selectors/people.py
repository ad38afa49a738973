"""Who there is."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from apps.auth.errors import UserNotFoundError
from apps.auth.models import User


def get_user(user_id: UUID) -> User:
    """Raises UserNotFoundError."""
    try:
        return User.objects.get(pk=user_id)
    except User.DoesNotExist:
        raise UserNotFoundError from None


def find_user(user_id: UUID) -> User | None:
    """None when there is no such user."""
    return User.objects.filter(pk=user_id).first()


def list_users(user_ids: Iterable[UUID]) -> QuerySet[User]:
    """Those of them that there are, oldest first."""
    return User.objects.filter(pk__in=list(user_ids)).order_by("id")


def find_user_by_login(login: str) -> User | None:
    """By e-mail address or user name, without regard to case."""
    return User.objects.known_as(login).first()
