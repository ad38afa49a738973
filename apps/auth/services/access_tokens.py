"""Personal access tokens, and accounts of machines."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.auth import selectors
from apps.auth.errors import (
    AccessTokenLimitError,
    AccessTokenNotFoundError,
    EmailNotVerifiedError,
    MachineNameTakenError,
    UserNotFoundError,
)
from apps.auth.events import AccessTokenCreated, AccessTokenRevoked
from apps.auth.models import AccessToken, User
from apps.auth.selectors.access_tokens import PREFIX, forget_access_token, hash_of
from apps.auth.services import audit
from apps.auth.services.accounts import create_user
from apps.auth.types import AuditAction, Grant, RoleName, Scope
from apps.events.services import publish
from apps.events.types import Actor, Subject

MAX_TOKENS = 50
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class TokenPurpose:
    """What a token is for, how far it goes, and until when."""

    name: str
    scopes: frozenset[Scope]
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """The row, and the token itself, which is nowhere else."""

    row: AccessToken
    token: str


def create_token(*, user_id: UUID, purpose: TokenPurpose, now: datetime) -> NewToken:
    """Make a token with which programs act for the user.

    Raises EmailNotVerifiedError, and AccessTokenLimitError past MAX_TOKENS.
    """
    user = User.objects.get(pk=user_id)
    if user.email_verified_at is None:
        raise EmailNotVerifiedError
    return _create(user_id=user.id, purpose=purpose, now=now, actor=Actor(type="user", id=user.id))


@transaction.atomic
def _create(*, user_id: UUID, purpose: TokenPurpose, now: datetime, actor: Actor) -> NewToken:
    User.objects.select_for_update().get(pk=user_id)
    if selectors.list_access_tokens(user_id).filter(expires_at__gt=now).count() >= MAX_TOKENS:
        raise AccessTokenLimitError
    token = PREFIX + secrets.token_urlsafe(32)
    row = AccessToken.objects.create(
        user_id=user_id,
        name=purpose.name,
        hash=hash_of(token),
        scopes=sorted(purpose.scopes),
        expires_at=purpose.expires_at,
    )
    audit.record(
        AuditAction.ACCESS_TOKEN_CREATED, user_id=user_id, actor=actor, now=now,
        access_token_id=str(row.id), scopes=row.scopes,
    )  # fmt: skip
    publish(
        AccessTokenCreated(
            access_token_id=row.id, user_id=user_id, title=row.name, scopes=tuple(row.scopes)
        ),
        subject=Subject(type="access_token", id=row.id),
        rooms=[f"user:{user_id}"],
        actor=actor,
    )
    return NewToken(row=row, token=token)


@transaction.atomic
def revoke_token(
    *, user_id: UUID, token_id: UUID, now: datetime, actor: Actor | None = None
) -> None:
    """It works no more, and what is open under it is closed; its user does it if nobody is named.

    Raises AccessTokenNotFoundError.
    """
    row = selectors.list_access_tokens(user_id).filter(pk=token_id).select_for_update().first()
    if row is None:
        raise AccessTokenNotFoundError
    row.revoked_at = now
    row.save(update_fields=["revoked_at", "updated_at"])
    transaction.on_commit(partial(forget_access_token, row.id))
    actor = actor or Actor(type="user", id=user_id)
    audit.record(
        AuditAction.ACCESS_TOKEN_REVOKED, user_id=user_id, actor=actor, now=now,
        access_token_id=str(row.id),
    )  # fmt: skip
    publish(
        AccessTokenRevoked(access_token_id=row.id, user_id=user_id),
        subject=Subject(type="access_token", id=row.id),
        rooms=[f"user:{user_id}"],
        actor=actor,
    )


def note_use(grant: Grant, *, now: datetime) -> None:
    """Write down that the token is used, at most once a minute."""
    before = now - USE_NOTED_EVERY
    if grant.last_used_at is None or grant.last_used_at < before:
        unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=before)
        AccessToken.objects.filter(unnoted, pk=grant.token_id).update(last_used_at=now)


@transaction.atomic
def create_machine(*, username: str, roles: frozenset[RoleName]) -> User:
    """An account for a program: nobody can sign in to it, and it acts by tokens alone.

    Raises MachineNameTakenError.
    """
    user = User(
        username=username,
        email=f"{username.lower()}@machines.invalid",  # RFC 2606: no mail ever goes there
        display_name=username,
        is_machine=True,
    )
    user.full_clean(exclude=["password"], validate_unique=False, validate_constraints=False)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            return create_user(user, roles=roles)
    except IntegrityError:
        raise MachineNameTakenError from None


def create_machine_token(
    *, username: str, scopes: frozenset[Scope], expires_at: datetime, now: datetime
) -> NewToken:
    """A token for the account of a program. Raises UserNotFoundError, AccessTokenLimitError."""
    user = User.objects.known_as(username).filter(is_machine=True, is_active=True).first()
    if user is None:
        raise UserNotFoundError
    purpose = TokenPurpose(
        name=f"{user.username} {now:%Y-%m-%d}", scopes=scopes, expires_at=expires_at
    )
    actor = Actor(type="program", id="manage.py")
    return _create(user_id=user.id, purpose=purpose, now=now, actor=actor)
