"""The adapter for OpenID Connect 1.0, authorization code flow with PKCE (RFC 7636, S256)."""

import logging
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from veza.integrations.bounded_http import BoundedClient
from veza.integrations.identity_provider.documents import Documents, Endpoints
from veza.integrations.identity_provider.port import (
    Agreement,
    Answer,
    Identity,
    IdentityRefusedError,
    ProviderAwayError,
    Question,
)

logger = logging.getLogger(__name__)

SCOPE = "openid profile email"
ALGORITHMS = ("RS256", "ES256", "PS256")
TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024
LEEWAY_S = 60
MAX_AGE_S = 600  # of an ID token that was asked for just now
MAX_SUBJECT = 255  # OpenID Connect Core 1.0, section 2
MAX_EMAIL = 255
OK, SERVER_ERROR = 200, 500
TOO_MANY = 429


class OpenIdProvider:
    """Reads what providers publish, redeems codes, and checks what it is told."""

    def __init__(self) -> None:
        self._client = BoundedClient(timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)
        self._documents = Documents(self._client)

    def authorization_url(self, *, agreement: Agreement, question: Question, now: datetime) -> str:
        endpoints = self._documents.endpoints(agreement.issuer, now=now)
        return str(
            prepare_grant_uri(
                endpoints.authorization,
                agreement.client_id,
                "code",
                redirect_uri=question.redirect_uri,
                scope=SCOPE,
                state=question.state,
                nonce=question.nonce,
                code_challenge=create_s256_code_challenge(question.verifier),
                code_challenge_method="S256",
            )
        )

    def identify(self, *, agreement: Agreement, answer: Answer, now: datetime) -> Identity:
        endpoints = self._documents.endpoints(agreement.issuer, now=now)
        tokens = self._redeem(agreement, endpoints, answer)
        claims = self._checked_claims(agreement, endpoints, tokens, nonce=answer.nonce, now=now)
        if not claims.get("email"):
            claims = self._userinfo(endpoints, tokens, subject=claims["sub"]) | claims
        return read_identity(agreement.issuer, claims)

    def _redeem(self, agreement: Agreement, endpoints: Endpoints, answer: Answer) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.redirect_uri,
            "code_verifier": answer.verifier,
        }
        headers = {"Accept": "application/json"}
        if endpoints.client_auth == "post":
            form |= {"client_id": agreement.client_id, "client_secret": agreement.client_secret}
            tokens = self._ask("POST", endpoints.token, data=form, headers=headers)
        else:  # RFC 6749, section 2.3.1: both are form-encoded before they are joined
            auth = httpx.BasicAuth(
                quote_plus(agreement.client_id), quote_plus(agreement.client_secret)
            )
            tokens = self._ask("POST", endpoints.token, data=form, headers=headers, auth=auth)
        if not isinstance(tokens.get("id_token"), str):
            raise IdentityRefusedError("no ID token")
        return tokens

    def _userinfo(
        self, endpoints: Endpoints, tokens: Mapping[str, Any], *, subject: str
    ) -> dict[str, Any]:
        """What the ID token leaves out, if it is about the same person (section 5.3.2)."""
        access = tokens.get("access_token")
        if not endpoints.userinfo or not isinstance(access, str) or not access.isascii():
            return {}
        headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        told = self._ask("GET", endpoints.userinfo, headers=headers)
        if told.get("sub") != subject:
            raise IdentityRefusedError("userinfo is about somebody else")
        return told

    def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._client.send(method, url, **options)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
            raise ProviderAwayError from fault
        if response.status_code >= SERVER_ERROR or response.status_code == TOO_MANY:
            raise ProviderAwayError
        try:
            told = response.json()
        except ValueError:
            raise IdentityRefusedError(f"{response.status_code} without JSON") from None
        if response.status_code != OK or not isinstance(told, dict):
            code = told.get("error") if isinstance(told, dict) else None
            raise IdentityRefusedError(f"{response.status_code} {str(code)[:50]}")
        return told

    def _checked_claims(
        self,
        agreement: Agreement,
        endpoints: Endpoints,
        tokens: Mapping[str, Any],
        *,
        nonce: str,
        now: datetime,
    ) -> dict[str, Any]:
        """Of an ID token that was signed by the provider, for us, now, and for this try."""
        raw = tokens["id_token"]
        try:
            try:
                token = _decode(raw, self._documents.keys(endpoints.keys, now=now))
            except InvalidKeyIdError:  # they may have been exchanged
                token = _decode(raw, self._documents.keys(endpoints.keys, now=now, again=True))
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": agreement.issuer},
                    "aud": {"essential": True, "value": agreement.client_id},
                },
                params={
                    "nonce": nonce,
                    "client_id": agreement.client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as fault:
            raise IdentityRefusedError(f"ID token: {type(fault).__name__}: {fault}") from fault
        if now.timestamp() - claims["iat"] > MAX_AGE_S + LEEWAY_S:
            raise IdentityRefusedError("ID token: made long ago")
        return dict(claims)


def _decode(raw: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(raw, keys, algorithms=list(ALGORITHMS))


def read_identity(issuer: str, claims: Mapping[str, Any]) -> Identity:
    """Claims as we can keep them. Raises IdentityRefusedError without a subject."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise IdentityRefusedError("no subject")
    if not subject.isascii() or not subject.isprintable():
        raise IdentityRefusedError("no subject")
    email = _text(claims.get("email"))
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    return Identity(
        issuer=issuer,
        subject=subject,
        email=email if len(email) <= MAX_EMAIL else "",
        is_email_verified=claims.get("email_verified") is True,
        username=_text(claims.get("preferred_username")),
        display_name=_text(claims.get("name")),
    )


def _text(value: object) -> str:
    """One line, without what hides or reorders other people's text."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[:300] if unicodedata.category(c)[0] != "C").strip()
