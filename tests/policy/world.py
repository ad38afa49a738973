"""What a request of the policy is made in: who calls, and whose objects there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.auth.models import User
from tests.policy.callers import Caller
from veza.integrations.identity_provider import Agreement, Answer, Identity, Question

PROVIDER, ISSUER = "somewhere", "https://login.example.org"
CALLBACK = "https://app.example.org/callback"
SETTINGS: Mapping[str, Any] = {
    "RATE_LIMIT_PER_MINUTE": 1_000_000,  # limits have tests of their own, and are out of the way
    "RATE_LIMIT_LOGIN_PER_MINUTE": 1_000_000,
    "OIDC_PROVIDERS": {
        PROVIDER: {"issuer": ISSUER, "client_id": "x", "client_secret": "x", "label": "Somewhere"}
    },
    "OIDC_REDIRECT_URIS": [CALLBACK],
    "IDENTITY_PROVIDER_BACKEND": "tests.policy.world.ObligingProvider",
    "INTERNAL_API_SECRETS": ["a secret that only servers know, for tests"],
    "SHOWS_MAIL": True,
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One request before it is made."""

    callers: Mapping[str, Caller]
    caller: Caller
    now: datetime

    @property
    def owner(self) -> User:
        """Whose object the address names."""
        user = self.callers["owner"].user
        assert user is not None
        return user

    @property
    def subject(self) -> User:
        """Whose account the body is about: the caller's, for who has none the owner's."""
        return self.caller.user or self.owner


class ObligingProvider:
    """An identity provider that vouches for a new person by every code."""

    def authorization_url(self, *, agreement: Agreement, question: Question, now: datetime) -> str:
        return f"{agreement.issuer}/authorize?state={question.state}"

    def identify(self, *, agreement: Agreement, answer: Answer, now: datetime) -> Identity:
        name = f"guest-{token_hex(6)}"
        return Identity(
            issuer=agreement.issuer, subject=name, email=f"{name}@example.org",
            is_email_verified=True, username=name, display_name=name,
        )  # fmt: skip


def origin() -> str:
    """From which pages passkeys are taken."""
    parts = urlsplit(settings.PASSKEY_ORIGINS[0])
    return f"{parts.scheme}://{parts.netloc}"
