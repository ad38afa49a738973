"""Who is calling: `Authorization: Bearer <access token>` (RFC 6750)."""

import re

from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.auth import selectors
from apps.auth.errors import TokenInvalidError
from apps.auth.models import User
from apps.auth.services.tokens import read_token
from apps.auth.types import Claims, TokenType
from veza.kit.errors import UnauthenticatedError

_BEARER = re.compile(r"Bearer +([^\s,]+) *", re.IGNORECASE)


class AccessTokenAuthentication(BaseAuthentication):
    """`request.user` becomes the User with its roles, `request.auth` the token's Claims.

    One statement a request. No header, or one of another scheme, is an anonymous call.
    """

    def authenticate(self, request: Request) -> tuple[User, Claims] | None:
        """Raises TokenInvalidError and TokenExpiredError."""
        claims = _claims(request.META.get("HTTP_AUTHORIZATION", ""))
        if claims is None:
            return None
        session = selectors.check_session(
            selectors.find_session(claims.session_id), claims=claims, now=timezone.now()
        )
        return session.user, claims

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="veza"'


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema tells of AccessTokenAuthentication."""

    target_class = AccessTokenAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def rate_limit_identity(request: HttpRequest) -> str | None:
    """The user id of a genuine, unexpired access token, without a look at the database."""
    try:
        claims = _claims(request.META.get("HTTP_AUTHORIZATION", ""))
    except UnauthenticatedError:
        return None
    return str(claims.user_id) if claims else None


def _claims(header: str) -> Claims | None:
    """Two headers arrive joined by a comma, and so are no token."""
    scheme, _, _ = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    match = _BEARER.fullmatch(header)
    if match is None:
        raise TokenInvalidError
    return read_token(match[1], token_type=TokenType.ACCESS)
