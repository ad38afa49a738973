"""JSON Web Tokens (RFC 7519, HS256): making them, and believing them.

A token is a pure function of its claims and the key, so a token that was handed out can be made
again from a row of the database, and no row holds a token.
"""

import re
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid5

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from apps.auth.errors import TokenExpiredError, TokenInvalidError
from apps.auth.models import RefreshToken, Session, User
from apps.auth.types import Claims, TokenPair, TokenType

ISSUER = "veza"
AUDIENCE = "veza-api"
ALGORITHM = "HS256"
LEEWAY_S = 5
MAX_LENGTH = 4096
# What was verified stays verified: of a token that comes again only the time is looked at.
MAX_BELIEVED = 10_000
_believed: dict[tuple[str, TokenType, str], Claims] = {}
# Deep enough for our own header, too short for one that exhausts the JSON parser.
_FORM = re.compile(r"[A-Za-z0-9_-]{1,100}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER = {"alg": ALGORITHM, "typ": "JWT"}


class _Signed(Token):
    """A token under the key for tokens, which is not the one that Django signs with."""

    lifetime = timedelta()  # every token is given its own `exp`

    def get_token_backend(self) -> TokenBackend:
        return _backend(settings.SECRET_KEY)


class _AccessToken(_Signed):
    token_type = TokenType.ACCESS.value


class _RefreshToken(_Signed):
    token_type = TokenType.REFRESH.value


_CLASSES: dict[TokenType, type[_Signed]] = {
    TokenType.ACCESS: _AccessToken,
    TokenType.REFRESH: _RefreshToken,
}


@cache
def _backend(secret: str) -> TokenBackend:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"veza tokens").derive(
        secret.encode()
    )
    return TokenBackend(
        ALGORITHM, signing_key=key.hex(), audience=AUDIENCE, issuer=ISSUER, leeway=LEEWAY_S
    )


def make_pair(*, row: RefreshToken, session: Session, user: User) -> TokenPair:
    """The tokens that belong to this row, the same ones each time it is asked."""
    seconds = settings.ACCESS_TOKEN_TTL_S
    refresh = Claims(
        token_type=TokenType.REFRESH,
        token_id=row.id,
        user_id=user.id,
        session_id=session.id,
        username=user.username,
        token_version=user.token_version,
        roles=user.roles,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
    access = replace(
        refresh,
        token_type=TokenType.ACCESS,
        token_id=uuid5(row.id, "access"),
        expires_at=row.issued_at + timedelta(seconds=seconds),
    )
    return TokenPair(access=write_token(access), refresh=write_token(refresh), expires_in=seconds)


def write_token(claims: Claims) -> str:
    """Sign these claims: what `read_token` gives back, with times in whole seconds."""
    token = _CLASSES[claims.token_type]()
    token["sub"] = token["user_id"] = str(claims.user_id)
    token["username"] = claims.username
    token["jti"] = str(claims.token_id)
    token["sid"] = str(claims.session_id)
    token["ver"] = claims.token_version
    token["roles"] = list(claims.roles)
    token.set_iat(at_time=claims.issued_at)
    token.set_exp(from_time=claims.expires_at, lifetime=timedelta())
    return str(token)


def read_token(raw: str, *, token_type: TokenType) -> Claims:
    """What the token claims, without a look at the database.

    Raises TokenExpiredError for a token that was good, TokenInvalidError for any other.
    """
    key = (raw, token_type, settings.SECRET_KEY)
    claims = _believed.get(key)
    if claims is None:
        claims = _believed[key] = _verify(raw, token_type=token_type)
        while len(_believed) > MAX_BELIEVED:
            with suppress(KeyError, StopIteration, RuntimeError):  # other threads do it, too
                _believed.pop(next(iter(_believed)))
    if claims.expires_at.timestamp() <= time.time() - LEEWAY_S:
        raise TokenExpiredError
    return claims


def _verify(raw: str, *, token_type: TokenType) -> Claims:
    try:
        check_form(raw)
        payload = _CLASSES[token_type](raw).payload  # type: ignore[arg-type]
        return _claims(payload, token_type=token_type)
    except ExpiredTokenError:
        raise TokenExpiredError from None
    except (
        TokenError, TokenBackendError, jwt.InvalidTokenError,
        KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError,
    ):  # fmt: skip
        raise TokenInvalidError from None


def check_form(raw: str) -> None:
    """Only a header such as we write is looked at: no `none`, no `kid`, no `jku`, no `crit`.

    Raises ValueError and jwt.InvalidTokenError.
    """
    if len(raw) > MAX_LENGTH or not _FORM.fullmatch(raw):
        raise ValueError
    if jwt.get_unverified_header(raw) != _HEADER:
        raise ValueError


def _claims(payload: dict[str, Any], *, token_type: TokenType) -> Claims:
    """Raises KeyError or ValueError for a claim that is missing or has another type."""
    if payload["aud"] != AUDIENCE or payload["sub"] != payload["user_id"]:
        raise ValueError
    roles = payload["roles"]
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise ValueError
    return Claims(
        token_type=token_type,
        token_id=UUID(payload["jti"]),
        user_id=UUID(payload["sub"]),
        session_id=UUID(payload["sid"]),
        username=str(payload["username"]),
        token_version=_integer(payload["ver"]),
        roles=tuple(roles),
        issued_at=datetime.fromtimestamp(_integer(payload["iat"]), tz=UTC),
        expires_at=datetime.fromtimestamp(_integer(payload["exp"]), tz=UTC),
    )


def _integer(value: object) -> int:
    if type(value) is not int:  # a bool is an int to isinstance
        raise ValueError
    return value
