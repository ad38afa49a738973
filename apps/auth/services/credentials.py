"""Proving an address, and choosing another password."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.auth.errors import CredentialsError, KeyInvalidError, WeakPasswordError
from apps.auth.events import PasswordResetRequested, VerificationRequested
from apps.auth.models import User
from apps.auth.selectors import find_second_factor, find_user_by_login
from apps.auth.services import audit, keys
from apps.auth.services.factor_changes import factors_changed
from apps.auth.services.passwords import password_faults
from apps.auth.services.step_up import require_step_up
from apps.auth.services.updates import publish_updated
from apps.auth.services.ways_in import remove_all_but_password
from apps.auth.types import AuditAction, RevokedReason
from apps.events.services import publish
from apps.events.types import Actor, Subject


@transaction.atomic
def request_verification(*, user_id: UUID) -> None:
    """Have the mail sent once more; for an address that is verified nothing happens."""
    user = User.objects.get(pk=user_id)
    if user.email_verified_at is None:
        publish(VerificationRequested(user_id=user.id), subject=Subject(type="user", id=user.id))


@transaction.atomic
def verify_email(*, key: str, now: datetime) -> None:
    """The bearer of the key reads the mail of the account's address. Raises KeyInvalidError."""
    user = _lock_owner(key)
    if not keys.is_verification_key(key, user=user):
        raise KeyInvalidError
    user.email_verified_at = now
    user.save(update_fields=["email_verified_at", "updated_at"])
    audit.record(AuditAction.EMAIL_VERIFIED, user_id=user.id, now=now)
    publish_updated(user, "email_verified", actor=Actor(type="user", id=user.id))


@transaction.atomic
def request_password_reset(*, email: str, now: datetime) -> None:
    """Have the mail sent, if the address has an account that may sign in. Nothing tells whether."""
    user = find_user_by_login(email) if "@" in email else None
    audit.record(AuditAction.PASSWORD_RESET_REQUESTED, user_id=user.id if user else None, now=now)
    if user is not None and user.is_active:
        publish(PasswordResetRequested(user_id=user.id), subject=Subject(type="user", id=user.id))


def reset_password(*, key: str, password: str, now: datetime) -> None:
    """Set the password by a key from a mail, and end all sessions.

    A second factor stays on, but not where the address was never verified: somebody else may have
    registered with it, and left himself a way in. Raises KeyInvalidError, and
    WeakPasswordError, which does not spend the key.
    """
    user = User.objects.filter(pk=keys.user_of(key)).first()
    if user is None or not user.is_active or not keys.is_reset_key(key, user=user):
        raise KeyInvalidError
    _check(password, user=user)
    user.set_password(password)  # slow, so before the transaction
    _reset(key, hashed=user.password, now=now)


@transaction.atomic
def _reset(key: str, *, hashed: str, now: datetime) -> None:
    user = _lock_owner(key)
    if not keys.is_reset_key(key, user=user):  # someone was faster
        raise KeyInvalidError
    user.password = hashed
    if user.email_verified_at is None:
        user.email_verified_at = now  # the key came by mail
        remove_all_but_password(user)
    user.token_version += 1
    user.save(update_fields=["password", "email_verified_at", "token_version", "updated_at"])
    audit.record(AuditAction.PASSWORD_RESET, user_id=user.id, now=now)
    factors_changed(
        user,
        changed="password",
        keep_session_id=None,
        reason=RevokedReason.PASSWORD_CHANGED,
        now=now,
    )


def change_password(
    *, user_id: UUID, session_id: UUID, current_password: str, password: str, now: datetime
) -> None:
    """Set another password, and end all other sessions.

    With a second factor the session has to have proven itself: a stolen session and a stolen
    password do not make an owner. Raises CredentialsError, StepUpRequiredError, WeakPasswordError.
    """
    user = User.objects.get(pk=user_id)
    if not user.check_password(current_password):
        raise CredentialsError
    if find_second_factor(user.id):
        require_step_up(session_id, now=now)
    _check(password, user=user)
    before = user.password
    user.set_password(password)
    _change(user, before=before, session_id=session_id, now=now)


@transaction.atomic
def _change(user: User, *, before: str, session_id: UUID, now: datetime) -> None:
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.password != before:  # someone was faster
        raise CredentialsError
    locked.password = user.password
    locked.save(update_fields=["password", "updated_at"])
    actor = Actor(type="user", id=user.id)
    audit.record(AuditAction.PASSWORD_CHANGED, user_id=user.id, actor=actor, now=now)
    factors_changed(
        locked,
        changed="password",
        keep_session_id=session_id,
        reason=RevokedReason.PASSWORD_CHANGED,
        now=now,
    )


def _check(password: str, *, user: User) -> None:
    faults = list(password_faults(password, user=user))
    if faults:
        raise WeakPasswordError(fields=faults)


def _lock_owner(key: str) -> User:
    user = User.objects.select_for_update().filter(pk=keys.user_of(key), is_active=True).first()
    if user is None:
        raise KeyInvalidError
    return user
