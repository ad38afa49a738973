"""Who acts on a page of the admin."""

from typing import cast

from django.http import HttpRequest

from apps.auth.models import User
from apps.events.types import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The operator who asks."""
    return Actor(type="user", id=str(request.user.pk))


def operator_of(request: HttpRequest) -> User:
    """The same with what he may do; the site lets in nobody who is not signed in."""
    return cast(User, request.user)
