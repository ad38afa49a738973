"""Leaving for good: asked for, kept open for two weeks, then done everywhere."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from apps.auth.errors import CredentialsError
from apps.auth.events import UserDeleted
from apps.auth.models import User
from apps.auth.selectors import personal_data
from apps.auth.services import audit
from apps.auth.services.accounts import keep_an_admin
from apps.auth.services.second_factor import check_factor
from apps.auth.services.sessions import revoke_sessions
from apps.auth.services.step_up import require_step_up
from apps.auth.services.updates import publish_updated
from apps.auth.types import AuditAction, RevokedReason
from apps.events.services import publish
from apps.events.types import Actor, Subject

GRACE = timedelta(days=14)
AT_ONCE = 100


def request_erasure(
    *, user_id: UUID, session_id: UUID, password: str, otp: str, now: datetime
) -> datetime:
    """Have the account erased after GRACE, and sign it out everywhere; returns when.

    Signing in before then cancels it. Who has no password proves himself by step-up. Raises
    CredentialsError, OtpRequiredError, OtpInvalidError, StepUpRequiredError, LastAdminError.
    """
    user = User.objects.get(pk=user_id)
    if not user.has_usable_password():
        require_step_up(session_id, now=now)
    elif not user.check_password(password):
        raise CredentialsError
    check_factor(user=user, code=otp, now=now)
    return _request(user_id, now=now)


@transaction.atomic
def _request(user_id: UUID, *, now: datetime) -> datetime:
    user = User.objects.select_for_update().get(pk=user_id)
    if user.is_superuser and user.erase_at is None:
        keep_an_admin(user)
    user.erase_at = now + GRACE
    user.token_version += 1
    user.save(update_fields=["erase_at", "token_version", "updated_at"])
    actor = Actor(type="user", id=user.id)
    audit.record(
        AuditAction.ERASURE_REQUESTED, user_id=user.id, actor=actor, now=now,
        erase_at=user.erase_at.isoformat(),
    )  # fmt: skip
    revoke_sessions(user_id=user.id, reason=RevokedReason.ACCOUNT_ERASED, now=now, actor=actor)
    publish_updated(user, "erase_at", actor=actor)
    return user.erase_at


def erase_due(*, now: datetime) -> int:
    """Erase whoever has waited long enough, each in a transaction of his own; how many."""
    due = User.objects.filter(erase_at__lte=now, erased_at__isnull=True)
    ids = list(due.order_by("erase_at").values_list("id", flat=True)[:AT_ONCE])
    return sum(_erase(user_id, now=now) for user_id in ids)


@transaction.atomic
def _erase(user_id: UUID, *, now: datetime) -> bool:
    user = User.objects.select_for_update().get(pk=user_id)
    if user.erased_at is not None or user.erase_at is None or user.erase_at > now:
        return False  # he has signed in meanwhile
    audit.record(AuditAction.USER_ERASED, user_id=user.id, now=now)
    for part in personal_data.parts():
        part.erase(user.id)
    User.objects.filter(pk=user.pk).update(erased_at=now, updated_at=now)
    publish(UserDeleted(user_id=user.id), subject=Subject(type="user", id=user.id))
    return True
