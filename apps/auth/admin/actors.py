"""Who acts on a page of the admin."""

from django.http import HttpRequest

from apps.events.types import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The operator who asks."""
    return Actor(type="user", id=str(request.user.pk))
