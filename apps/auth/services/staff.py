"""What staff do to accounts of others: nobody to his own, and only an admin to those of staff."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.auth.errors import (
    AdminNeededError,
    ErasureNotRequestedError,
    MachineStaffError,
    OwnAccountError,
    TwoFactorOffError,
    UserNotFoundError,
)
from apps.auth.models import Passkey, PasskeyChallenge, RecoveryCode, SecondFactor, User
from apps.auth.services import accounts, audit, sessions
from apps.auth.services.updates import publish_updated
from apps.auth.types import STAFF_ROLES, AuditAction, RevokedReason, RoleName
from apps.events.types import Actor


@transaction.atomic
def change_roles(
    *,
    user_id: UUID,
    given: AbstractSet[RoleName],
    taken: AbstractSet[RoleName],
    by: User,
    now: datetime,
) -> User:
    """Give these roles and take those, whatever the others are.

    Raises UserNotFoundError, OwnAccountError, AdminNeededError, MachineStaffError, LastAdminError.
    """
    user = _lock(user_id, by=by)
    before = frozenset(map(RoleName, user.roles))
    after = (before - taken) | given
    if not by.is_superuser and not STAFF_ROLES.isdisjoint(before ^ after):
        raise AdminNeededError
    if user.is_machine and not STAFF_ROLES.isdisjoint(after - before):
        raise MachineStaffError
    return accounts.set_roles(user_id=user.id, roles=after, now=now, actor=_actor(by))


@transaction.atomic
def reset_factors(*, user_id: UUID, by: User, now: datetime) -> None:
    """Remove the second factor and the passkeys of who has lost them, and sign him out everywhere.

    His password and the logins of providers stay. Raises UserNotFoundError, OwnAccountError,
    AdminNeededError, and TwoFactorOffError when there is nothing to remove.
    """
    user = _lock(user_id, by=by)
    has_factor = bool(SecondFactor.objects.filter(user=user).delete()[0])
    RecoveryCode.objects.filter(user=user).delete()
    PasskeyChallenge.objects.filter(user=user).delete()
    passkeys = Passkey.objects.filter(user=user).delete()[0]
    if not has_factor and not passkeys:
        raise TwoFactorOffError("This account has neither a second factor nor a passkey.")
    actor = _actor(by)
    audit.record(
        AuditAction.TWO_FACTOR_RESET, user_id=user.id, actor=actor, now=now,
        second_factor=has_factor, passkeys=passkeys,
    )  # fmt: skip
    accounts.sign_out_everywhere(
        user_id=user.id, reason=RevokedReason.FACTOR_CHANGED, now=now, actor=actor
    )
    publish_updated(user, "two_factor", *(["passkeys"] if passkeys else []), actor=actor)


@transaction.atomic
def cancel_erasure(*, user_id: UUID, by: User, now: datetime) -> None:
    """The account stays.

    Raises UserNotFoundError, OwnAccountError, AdminNeededError, ErasureNotRequestedError.
    """
    user = _lock(user_id, by=by)
    if user.erase_at is None:
        raise ErasureNotRequestedError
    sessions.cancel_erasure(user, now=now, actor=_actor(by))


@transaction.atomic
def mark_email_verified(*, user_id: UUID, by: User, now: datetime) -> None:
    """Staff vouch for the address; nothing happens where it is verified.

    Raises UserNotFoundError, OwnAccountError, AdminNeededError.
    """
    user = _lock(user_id, by=by)
    if user.email_verified_at is not None:
        return
    user.email_verified_at = now
    user.save(update_fields=["email_verified_at", "updated_at"])
    actor = _actor(by)
    audit.record(AuditAction.EMAIL_VERIFIED, user_id=user.id, actor=actor, now=now)
    publish_updated(user, "email_verified", actor=actor)


def _lock(user_id: UUID, *, by: User) -> User:
    user = User.objects.select_for_update().filter(pk=user_id, erased_at__isnull=True).first()
    if user is None:
        raise UserNotFoundError
    if user.pk == by.pk:
        raise OwnAccountError
    if user.is_staff and not by.is_superuser:
        raise AdminNeededError
    return user


def _actor(by: User) -> Actor:
    return Actor(type="user", id=by.id)
