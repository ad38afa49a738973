"""Step-up: before a dangerous action a session proves again who sits there."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.auth import selectors
from apps.auth.errors import (
    CredentialsError,
    OtpRequiredError,
    PasskeyInvalidError,
    StepUpRequiredError,
    TwoFactorOffError,
)
from apps.auth.models import Session, User
from apps.auth.services import audit, passkeys
from apps.auth.services.second_factor import check_factor
from apps.auth.types import AuditAction
from apps.events.types import Actor


def require_step_up(session_id: UUID, *, now: datetime) -> None:
    """Raises StepUpRequiredError unless this session proved itself within ten minutes."""
    if not selectors.is_session_stepped_up(session_id, now=now):
        raise StepUpRequiredError


def by_password(*, user: User, session_id: UUID, password: str, now: datetime) -> None:
    """Raises CredentialsError; OtpRequiredError when there is a second factor: who has stolen a
    session and a password must not become the owner by them.
    """
    if not user.check_password(password):
        audit.record(AuditAction.STEP_UP_FAILED, user_id=user.id, now=now, way="password")
        raise CredentialsError
    if selectors.find_second_factor(user.id):
        raise OtpRequiredError
    _step_up(user=user, session_id=session_id, way="password", now=now)


def by_code(*, user: User, session_id: UUID, code: str, now: datetime) -> None:
    """Raises TwoFactorOffError, OtpInvalidError, OtpLockedError."""
    if selectors.find_second_factor(user.id) is None:
        raise TwoFactorOffError
    check_factor(user=user, code=code, now=now)
    _step_up(user=user, session_id=session_id, way="otp", now=now)


def by_passkey(
    *, user: User, session_id: UUID, credential: dict[str, object], now: datetime
) -> None:
    """Raises PasskeyInvalidError, also for the passkey of somebody else."""
    if passkeys.check_passkey(credential=credential, now=now) != user:
        raise PasskeyInvalidError
    _step_up(user=user, session_id=session_id, way="passkey", now=now)


@transaction.atomic
def _step_up(*, user: User, session_id: UUID, way: str, now: datetime) -> None:
    Session.objects.filter(pk=session_id).update(stepped_up_at=now)
    audit.record(
        AuditAction.STEP_UP_SUCCEEDED,
        user_id=user.id,
        actor=Actor(type="user", id=user.id),
        now=now,
        session_id=str(session_id),
        way=way,
    )
