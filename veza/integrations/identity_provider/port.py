"""Who somebody is at a provider that we have an agreement with (OpenID Connect Core 1.0)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from veza.kit.errors import UpstreamError


class ProviderAwayError(UpstreamError):
    """The provider does not answer, or not as one."""


class IdentityRefusedError(Exception):
    """The provider does not vouch for anyone by this code; the message says why, for logs."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What was agreed with a provider; `issuer` is who it is."""

    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one try to sign in is known by; the provider shows `verifier` to be ours (PKCE)."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back by the browser, and by what it has to fit."""

    code: str
    redirect_uri: str
    nonce: str
    verifier: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Somebody at a provider: `issuer` and `subject` alone say who, the rest is what he is called
    there. `email` is "" when the provider tells none that could be one.
    """

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    username: str
    display_name: str


class IdentityProvider(Protocol):
    """Blocking calls of a few seconds at most. Never make them in a transaction."""

    def authorization_url(self, *, agreement: Agreement, question: Question, now: datetime) -> str:
        """Where to send the browser. Raises ProviderAwayError."""
        ...

    def identify(self, *, agreement: Agreement, answer: Answer, now: datetime) -> Identity:
        """Redeem the code, and believe what comes only if it was made for us, now, and for this
        try. Raises IdentityRefusedError, ProviderAwayError.
        """
        ...
