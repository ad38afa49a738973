"""People, and ways to be one of them."""

from itertools import count
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.auth.services.accounts import create_user
from apps.auth.services.sessions import SignIn, open_session
from apps.auth.types import REGISTRATION_ROLES, RoleName
from veza.kit.context import Client

PASSWORD = "violet tape under rain"
PHONE = Client(user_agent="phone/1", address="192.0.2.10")
LAPTOP = Client(user_agent="laptop/1", address="198.51.100.20")
_numbers = count(1)


def make_user(*, roles: frozenset[RoleName] = REGISTRATION_ROLES, **fields: Any) -> User:
    """A person as registration makes one, unless `fields` say otherwise; signs in by PASSWORD."""
    name = fields.pop("username", f"person{next(_numbers)}")
    password = fields.pop("password", PASSWORD)
    user = User(username=name, **{"email": f"{name}@example.org", "display_name": name, **fields})
    user.set_password(password)
    return create_user(user, roles=roles)


def sign_in(user: User, *, client: Client = PHONE) -> SignIn:
    """A session of this person on this client, begun just now."""
    return open_session(user=user, client=client, now=timezone.now())


def client_of(user: User, *, client: Client = PHONE) -> APIClient:
    """A client of the API in which this person is signed in."""
    access = sign_in(user, client=client).tokens.access
    return APIClient(
        HTTP_AUTHORIZATION=f"Bearer {access}",
        HTTP_USER_AGENT=client.user_agent,
        REMOTE_ADDR=client.address,
    )
