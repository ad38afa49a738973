"""Accounts to try the platform with. Never in production: the command refuses it there.

They are known by fixed ids, so nobody becomes one by taking its name first. Their passwords are
derived from SECRET_KEY: the same each time on one installation, and unknown to other ones.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from apps.auth.errors import DemoNameTakenError
from apps.auth.models import User
from apps.auth.selectors import find_user_by_login, list_users
from apps.auth.services.accounts import create_user
from apps.auth.services.sessions import issue_access
from apps.auth.types import REGISTRATION_ROLES, RoleName
from veza.kit.context import Client

TOKEN_LIFETIME = timedelta(days=90)
_LOCK = 7391005  # of pg_advisory_xact_lock: one `demo` at a time


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    """Someone whom `ensure_accounts` makes."""

    number: int
    username: str
    display_name: str
    roles: frozenset[RoleName]
    bio: str = ""

    @property
    def id(self) -> UUID:
        """A UUIDv7 of the first millisecond of 2024."""
        return UUID(f"018cc251-f400-7000-8000-{self.number:012d}")


@dataclass(frozen=True, kw_only=True)
class DemoAccount:
    """How to sign in as a demo person."""

    username: str
    password: str
    roles: tuple[str, ...]


PEOPLE = (
    DemoPerson(
        number=1,
        username="lina",
        display_name="Lina listens",
        roles=frozenset({RoleName.LISTENER}),
    ),
    DemoPerson(number=2, username="ravi", display_name="Ravi Tapes", roles=REGISTRATION_ROLES),
    DemoPerson(
        number=3, username="mona", display_name="Mona & the Moons", roles=REGISTRATION_ROLES
    ),
    DemoPerson(
        number=4,
        username="moderator",
        display_name="Moderator",
        roles=REGISTRATION_ROLES | {RoleName.MODERATOR},
    ),
    DemoPerson(
        number=5,
        username="operator",
        display_name="Operator",
        roles=REGISTRATION_ROLES | {RoleName.OPERATOR},
    ),
    DemoPerson(
        number=6,
        username="admin",
        display_name="Admin",
        roles=REGISTRATION_ROLES | {RoleName.ADMIN},
    ),
    DemoPerson(
        number=7,
        username="ingestor",
        display_name="Data producer",
        roles=frozenset({RoleName.LISTENER, RoleName.INGESTOR}),
    ),
)
PROGRAMS = {"ingestor": PEOPLE[6], "operator": PEOPLE[4]}


@transaction.atomic
def ensure_accounts(*, now: datetime) -> Sequence[DemoAccount]:
    """Make the demo people who are missing, and see to it that the passwords told here work.

    Raises DemoNameTakenError when another person has one of the names.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    known = {user.id: user for user in list_users([person.id for person in PEOPLE])}
    has_new_secret = _has_new_secret(known)
    for person in PEOPLE:
        user = known.get(person.id)
        if user is None:
            _create(person, now=now)
        elif has_new_secret or user.token_version > 1:  # the password may have been changed
            user.set_password(_password(person))
            user.save(update_fields=["password", "updated_at"])
    return [_account(person) for person in PEOPLE]


@transaction.atomic
def ensure_people(people: Sequence[DemoPerson], *, now: datetime) -> None:
    """Make those of these people who are missing; nobody signs in as them.

    Raises DemoNameTakenError when another person has one of the names.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    known = {user.id for user in list_users([person.id for person in people])}
    for person in people:
        if person.id not in known:
            _create(person, now=now, signs_in=False)


def issue_tokens(*, now: datetime) -> dict[str, str]:
    """Tokens for programs, in new sessions of their accounts; those given before stay good."""
    users = {user.id: user for user in list_users([person.id for person in PROGRAMS.values()])}
    return {
        name: issue_access(
            user=users[person.id],
            client=Client(user_agent=f"manage.py demo ({name})", address=""),
            now=now,
            lifetime=TOKEN_LIFETIME,
        )
        for name, person in PROGRAMS.items()
    }


def _has_new_secret(known: dict[UUID, User]) -> bool:
    """One check stands for all: hashing is slow, and their passwords have one origin."""
    first = known.get(PEOPLE[0].id)
    return first is not None and not first.check_password(_password(PEOPLE[0]))


def _create(person: DemoPerson, *, now: datetime, signs_in: bool = True) -> None:
    email = f"{person.username}@demo.example"
    if find_user_by_login(person.username) or find_user_by_login(email):
        raise DemoNameTakenError(
            f"The name {person.username} belongs to someone else: rename that account,"
            " or start with --no-demo."
        )
    user = User(
        id=person.id,
        username=person.username,
        email=email,
        email_verified_at=now,
        display_name=person.display_name,
        bio=person.bio,
    )
    if signs_in:
        user.set_password(_password(person))
    else:
        user.set_unusable_password()
    create_user(user, roles=person.roles)


def _account(person: DemoPerson) -> DemoAccount:
    return DemoAccount(
        username=person.username,
        password=_password(person),
        roles=tuple(role for role in RoleName.values if role in person.roles),
    )


def _password(person: DemoPerson) -> str:
    """80 bits in four groups that can be typed."""
    digest = salted_hmac("apps.auth.services.demo", person.username, algorithm="sha256").digest()
    letters = base64.b32encode(digest[:10]).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))
