"""Who there is."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.contrib.postgres.search import SearchVector
from django.db.models import F, QuerySet
from django.db.models.functions import Lower

from apps.auth.errors import UserNotFoundError
from apps.auth.models import User
from apps.auth.selectors.cards import card_of
from apps.auth.types import PersonCard
from veza.kit.search import CONFIG, with_alike, with_words


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


def ids_by_username(names: Iterable[str]) -> Mapping[str, UUID]:
    """By the user name in lower case, for those of them that there are; one statement."""
    lower = [name.lower() for name in names]
    users = User.objects.alias(login=Lower("username")).filter(login__in=lower)
    return {name.lower(): user_id for name, user_id in users.values_list("username", "id")}


def search_people(text: str, *, limit: int) -> list[PersonCard]:
    """The best by user name and display name; where nobody has these words, who is called alike.

    Not who is not active, wants to be erased, or is a program.
    """
    people = User.objects.filter(is_active=True, erase_at__isnull=True, is_machine=False)
    people = people.defer("password", "bio", "links")
    vector = SearchVector("words", config=CONFIG)
    for rows in (with_words(people, text, vector=vector), with_alike(people, text)):
        if found := list(rows.order_by(F("relevance").desc(), "id")[:limit]):
            return [card_of(user) for user in found]
    return []
