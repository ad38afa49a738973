"""Authenticator apps of people."""

import base64
from datetime import datetime, timedelta

from django.utils import timezone
from django_otp.oath import TOTP  # type: ignore[import-untyped]

from apps.auth.models import User
from apps.auth.services import second_factor

STEP = timedelta(seconds=30)


def code_of(secret: str, *, at: datetime) -> str:
    """What the app shows at this time."""
    totp = TOTP(base64.b32decode(secret))
    totp.time = at.timestamp()
    return f"{totp.token():06}"


def turn_on(user: User, *, at: datetime | None = None) -> tuple[str, list[str]]:
    """A confirmed app, set up two minutes ago: its secret and the recovery codes."""
    at = at or timezone.now() - timedelta(minutes=2)
    setup = second_factor.begin_setup(user=user)
    codes = second_factor.confirm_setup(
        user=user, code=code_of(setup.secret, at=at), session_id=None, now=at
    )
    return setup.secret, codes
