"""Tokens that end when a test wants them to."""

import json
from dataclasses import replace
from datetime import timedelta

from django.test import override_settings
from django.utils import timezone

from apps.auth.services.tokens import read_token, write_token
from apps.auth.types import TokenType
from tests.apps.realtime.live import Account, Live


def token_for(live: Live, account: Account, *, lifetime_s: float) -> str:
    """As the account's access token, but it ends in so many seconds, or ended before."""
    secrets = json.loads((live.folder / "secrets.json").read_text())
    with override_settings(SECRET_KEY=secrets["SECRET_KEY"]):
        claims = read_token(account.access, token_type=TokenType.ACCESS)
        expires_at = timezone.now() + timedelta(seconds=lifetime_s)
        return write_token(replace(claims, expires_at=expires_at))
