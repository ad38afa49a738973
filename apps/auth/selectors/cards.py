"""People beside what they made."""

from collections.abc import Iterable
from uuid import UUID

from apps.auth.models import User
from apps.auth.selectors.pictures import picture_url
from apps.auth.types import PersonCard, PictureKind


def list_cards(user_ids: Iterable[UUID]) -> dict[UUID, PersonCard]:
    """Of those of them that there are, in one statement."""
    users = User.objects.filter(pk__in=set(user_ids)).defer("password", "bio", "links")
    return {user.id: card_of(user) for user in users}


def card_of(user: User) -> PersonCard:
    """For a user who is at hand."""
    return PersonCard(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        avatar_url=picture_url(user, PictureKind.AVATAR),
    )
