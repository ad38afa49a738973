"""Logins of providers and the accounts they belong to: making, linking, unlinking."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.auth import rules, selectors
from apps.auth.errors import (
    AccountExistsError,
    IdentityNotFoundError,
    IdentityTakenError,
    SocialAddressMissingError,
    SocialStateError,
)
from apps.auth.models import SocialIdentity, User
from apps.auth.services import audit
from apps.auth.services.accounts import create_user
from apps.auth.services.factor_changes import factors_changed
from apps.auth.services.sessions import SignIn, open_session
from apps.auth.services.ways_in import require_way_to_sign_in
from apps.auth.types import REGISTRATION_ROLES, AuditAction
from apps.events.types import Actor
from veza.integrations.identity_provider import Identity
from veza.kit.context import Client

NAME_TRIES = 10


def register(identity: Identity, *, client: Client, now: datetime) -> SignIn:
    """Make an account without a password for a login that is new here, and open its first session.

    Raises SocialAddressMissingError; AccountExistsError where the address has an account, whether
    or not anyone has verified it: who controls it at a provider need not own what is here.
    """
    if not identity.email:
        raise SocialAddressMissingError
    for username in _usernames(identity):
        _check_address(identity, now=now)
        if selectors.find_user_by_login(username):
            continue
        try:
            return _register(identity, username=username, client=client, now=now)
        except IntegrityError:  # someone was faster: with the login, the address, or the name
            if selectors.find_identity(issuer=identity.issuer, subject=identity.subject):
                raise SocialStateError from None
    raise SocialStateError


def _usernames(identity: Identity) -> Iterator[str]:
    name = rules.username_from(identity.username, identity.email)
    yield name
    for _ in range(NAME_TRIES):
        yield f"{name}-{secrets.randbelow(10**8)}"


def _check_address(identity: Identity, *, now: datetime) -> None:
    owner = selectors.find_user_by_login(identity.email)
    if owner is not None:
        audit.record(
            AuditAction.SOCIAL_REFUSED, user_id=owner.id, now=now, reason=AccountExistsError.code
        )
        raise AccountExistsError


@transaction.atomic
def _register(identity: Identity, *, username: str, client: Client, now: datetime) -> SignIn:
    user = User(username=username, email=User.objects.normalize_email(identity.email))
    user.display_name = identity.display_name[:100] or username
    user.email_verified_at = now if identity.is_email_verified else None
    user.set_unusable_password()
    create_user(user, roles=REGISTRATION_ROLES)
    _store(identity, user=user, now=now, last_used_at=now)
    return open_session(user=user, client=client, now=now)


def link(
    identity: Identity, *, user: User, session_id: UUID, now: datetime
) -> tuple[SocialIdentity, bool]:
    """The login opens this account from now on; whether it did not before. All other sessions end.

    Raises IdentityTakenError.
    """
    try:
        return _link(identity, user=user, session_id=session_id, now=now)
    except IntegrityError:  # someone was faster
        raise IdentityTakenError from None


@transaction.atomic
def _link(
    identity: Identity, *, user: User, session_id: UUID, now: datetime
) -> tuple[SocialIdentity, bool]:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    known = selectors.find_identity(issuer=identity.issuer, subject=identity.subject)
    if known is not None:
        if known.user_id != user.id:
            raise IdentityTakenError
        return known, False
    stored = _store(identity, user=user, now=now)
    factors_changed(user, changed="social", keep_session_id=session_id, now=now)
    return stored, True


@transaction.atomic
def unlink(*, user: User, session_id: UUID, identity_id: UUID, now: datetime) -> None:
    """The login opens nothing any more; all other sessions end.

    Raises IdentityNotFoundError, LastCredentialError.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not selectors.list_identities(user.id).filter(pk=identity_id).delete()[0]:
        raise IdentityNotFoundError
    require_way_to_sign_in(user)
    audit.record(
        AuditAction.SOCIAL_UNLINKED,
        user_id=user.id,
        actor=Actor(type="user", id=user.id),
        now=now,
        identity_id=str(identity_id),
    )
    factors_changed(user, changed="social", keep_session_id=session_id, now=now)


def _store(
    identity: Identity, *, user: User, now: datetime, last_used_at: datetime | None = None
) -> SocialIdentity:
    stored = SocialIdentity.objects.create(
        user=user,
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email,
        last_used_at=last_used_at,
    )
    audit.record(
        AuditAction.SOCIAL_LINKED,
        user_id=user.id,
        actor=Actor(type="user", id=user.id),
        now=now,
        identity_id=str(stored.id),
        issuer=identity.issuer,
    )
    return stored
