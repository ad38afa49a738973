"""Recovery codes: ten, each good once, known to nobody but who wrote them down."""

import base64
import re
import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from apps.auth import rules
from apps.auth.errors import TwoFactorOffError
from apps.auth.models import RecoveryCode, SecondFactor, User
from apps.auth.services import audit
from apps.auth.types import AuditAction
from apps.events.types import Actor

COUNT = 10
_BYTES = 10
_FORM = re.compile(r"[a-z2-7]{16}")


@transaction.atomic
def replace_codes(*, user: User, now: datetime) -> list[str]:
    """A new set of codes in place of the old; they can be shown now and never again.

    Raises TwoFactorOffError.
    """
    factors = SecondFactor.objects.select_for_update()
    if not factors.filter(user_id=user.id, confirmed_at__isnull=False).exists():
        raise TwoFactorOffError
    return make_codes(user=user, now=now)


@transaction.atomic
def make_codes(*, user: User, now: datetime) -> list[str]:
    """As `replace_codes`, for who holds the lock on the user's factor."""
    forget_codes(user.id)
    codes = [base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower() for _ in range(COUNT)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, code_hash=_hash(code)) for code in codes
    )
    actor = Actor(type="user", id=user.id)
    audit.record(AuditAction.RECOVERY_CODES_MADE, user_id=user.id, actor=actor, now=now)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def forget_codes(user_id: UUID) -> None:
    """None of the user's codes works any more."""
    RecoveryCode.objects.filter(user_id=user_id).delete()


@transaction.atomic
def use_code(*, user_id: UUID, code: str, now: datetime) -> bool:
    """Whether this is an unused code of the user; now it is used. Only one of many wins."""
    if not _FORM.fullmatch(code):
        return False
    unused = RecoveryCode.objects.filter(user_id=user_id, used_at__isnull=True)
    if not unused.filter(code_hash=_hash(code)).update(used_at=now):
        return False
    left = unused.count()
    actor = Actor(type="user", id=user_id)
    audit.record(AuditAction.RECOVERY_CODE_USED, user_id=user_id, actor=actor, now=now, left=left)
    return True


def _hash(code: str) -> str:
    return sha256(rules.plain_code(code).encode()).hexdigest()
