"""The second factor: an authenticator app, set up, checked and removed.

Every check holds the lock on the factor's row, so a code is accepted once however many send it.
"""

import base64
import io
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode
from uuid import UUID

import qrcode  # type: ignore[import-untyped]
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django_otp.oath import TOTP  # type: ignore[import-untyped]
from qrcode.image.svg import SvgPathImage  # type: ignore[import-untyped]

from apps.auth import rules, selectors
from apps.auth.errors import (
    CredentialsError,
    OtpInvalidError,
    OtpLockedError,
    OtpRequiredError,
    TwoFactorOffError,
    TwoFactorOnError,
)
from apps.auth.models import SecondFactor, User
from apps.auth.services import audit, recovery_codes
from apps.auth.services.factor_changes import factors_changed
from apps.auth.types import AuditAction, FactorSetup
from apps.events.types import Actor
from veza.kit.crypto import decrypt, encrypt

ISSUER = "Veza"
SECRET_BYTES = 20  # RFC 4226, section 4
NEIGHBOURS = 1  # time steps of 30 s before and after the present one
_FORM = re.compile(r"[0-9]{6}")


@transaction.atomic
def begin_setup(*, user: User) -> FactorSetup:
    """A new secret, in place of one that was not confirmed. Raises TwoFactorOnError."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # rows may still refer to it
    factor = _lock(user.id)
    if factor is not None and factor.confirmed_at is not None:
        raise TwoFactorOnError
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    SecondFactor.objects.filter(user_id=user.id).delete()
    SecondFactor.objects.create(user_id=user.id, secret=encrypt(secret))
    label = quote(f"{ISSUER}:{user.username}")
    url = f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER})}"
    return FactorSetup(secret=secret, otpauth_url=url, qr_svg=_qr_svg(url))


def confirm_setup(*, user: User, code: str, session_id: UUID | None, now: datetime) -> list[str]:
    """Turn the factor on, end all other sessions, and return the recovery codes.

    Raises TwoFactorOffError when nothing was begun, TwoFactorOnError, OtpInvalidError,
    OtpLockedError.
    """
    codes = _confirm(user=user, code=code, session_id=session_id, now=now)
    if codes is None:
        raise OtpInvalidError
    return codes


@transaction.atomic
def _confirm(*, user: User, code: str, session_id: UUID | None, now: datetime) -> list[str] | None:
    factor = _lock(user.id)
    if factor is None:
        raise TwoFactorOffError
    if factor.confirmed_at is not None:
        raise TwoFactorOnError
    _check_lock(factor, now=now)
    if not _matches(factor, code=rules.plain_code(code), now=now):
        _count_failure(factor, now=now)
        return None
    factor.confirmed_at = now
    factor.save(update_fields=["confirmed_at", "updated_at"])
    actor = Actor(type="user", id=user.id)
    audit.record(AuditAction.TWO_FACTOR_ON, user_id=user.id, actor=actor, now=now)
    factors_changed(user, changed="two_factor", keep_session_id=session_id, now=now)
    return recovery_codes.make_codes(user=user, now=now)


def check_factor(*, user: User, code: str, now: datetime) -> None:
    """Nothing, if the user has no second factor; else the code must be right, and is used up.

    Raises OtpRequiredError without a code, OtpInvalidError, OtpLockedError.
    """
    if selectors.find_second_factor(user.id) is None:
        return
    if not code:
        raise OtpRequiredError
    if not _use(user_id=user.id, code=rules.plain_code(code), now=now):
        raise OtpInvalidError


@transaction.atomic
def _use(*, user_id: UUID, code: str, now: datetime) -> bool:
    factor = _lock(user_id)
    if factor is None or factor.confirmed_at is None:  # it was turned off at this moment
        return False
    if recovery_codes.use_code(user_id=user_id, code=code, now=now):
        _forgive(factor)
        return True
    _check_lock(factor, now=now)
    if _matches(factor, code=code, now=now):
        return True
    _count_failure(factor, now=now)
    return False


def turn_off(
    *, user: User, password: str, code: str, session_id: UUID | None, now: datetime
) -> None:
    """Remove the factor and its recovery codes, and end all other sessions.

    Raises TwoFactorOffError, CredentialsError, OtpInvalidError, OtpLockedError.
    """
    if selectors.find_second_factor(user.id) is None:
        raise TwoFactorOffError
    if not check_password(password, user.password):
        audit.record(AuditAction.STEP_UP_FAILED, user_id=user.id, now=now, way="password")
        raise CredentialsError
    check_factor(user=user, code=code, now=now)
    _remove(user=user, session_id=session_id, now=now)


@transaction.atomic
def _remove(*, user: User, session_id: UUID | None, now: datetime) -> None:
    if not SecondFactor.objects.filter(user_id=user.id).delete()[0]:
        raise TwoFactorOffError
    recovery_codes.forget_codes(user.id)
    actor = Actor(type="user", id=user.id)
    audit.record(AuditAction.TWO_FACTOR_OFF, user_id=user.id, actor=actor, now=now)
    factors_changed(user, changed="two_factor", keep_session_id=session_id, now=now)


def _lock(user_id: UUID) -> SecondFactor | None:
    return SecondFactor.objects.select_for_update().filter(user_id=user_id).first()


def _matches(factor: SecondFactor, *, code: str, now: datetime) -> bool:
    """Whether the code belongs to a time step that is near, and later than any used before."""
    if not _FORM.fullmatch(code):
        return False
    totp = TOTP(base64.b32decode(decrypt(factor.secret)))
    totp.time = now.timestamp()
    if not totp.verify(int(code), tolerance=NEIGHBOURS, min_t=factor.last_step + 1):
        return False
    factor.last_step = totp.t()
    factor.save(update_fields=["last_step", "updated_at"])
    _forgive(factor)
    return True


def _check_lock(factor: SecondFactor, *, now: datetime) -> None:
    if factor.locked_until is not None and factor.locked_until > now:
        wait = factor.locked_until - now
        raise OtpLockedError(retry_after_s=int(wait.total_seconds()) + 1)


def _forgive(factor: SecondFactor) -> None:
    factor.failures = 0
    factor.locked_until = None
    factor.save(update_fields=["failures", "locked_until", "updated_at"])


def _count_failure(factor: SecondFactor, *, now: datetime) -> None:
    factor.failures += 1
    lock = rules.otp_lock(factor.failures)
    factor.locked_until = now + lock if lock else None
    factor.save(update_fields=["failures", "locked_until", "updated_at"])
    action = AuditAction.TWO_FACTOR_LOCKED if lock else AuditAction.TWO_FACTOR_FAILED
    audit.record(action, user_id=factor.user_id, now=now, failures=factor.failures)


def _qr_svg(text: str) -> str:
    stream = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage).save(stream)
    return stream.getvalue().decode()
