"""Who is calling: `Authorization: Bearer <access token>` (RFC 6750)."""

import re

from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apps.auth import selectors
from apps.auth.errors import ScopeMissingError, TokenInvalidError
from apps.auth.models import User
from apps.auth.selectors.access_tokens import PREFIX, known_user
from apps.auth.services.access_tokens import note_use
from apps.auth.services.tokens import read_token
from apps.auth.types import Claims, Grant, Scope, TokenType
from veza.kit.errors import UnauthenticatedError

_BEARER = re.compile(r"Bearer +([^\s,]+) *", re.IGNORECASE)


class AccessTokenAuthentication(BaseAuthentication):
    """`request.user` becomes the User with its roles; `request.auth` the Claims of his session's
    token, or the Grant of a program's.

    Mostly without a statement. No header, or one of another scheme, is an anonymous call.
    """

    def authenticate(self, request: Request) -> tuple[User, Claims | Grant] | None:
        """Raises TokenInvalidError, TokenExpiredError and ScopeMissingError."""
        raw = _bearer(request.META.get("HTTP_AUTHORIZATION", ""))
        if raw is None:
            return None
        now = timezone.now()
        if not raw.startswith(PREFIX):
            claims = read_token(raw, token_type=TokenType.ACCESS)
            return selectors.identify(claims, now=now), claims
        user, grant = selectors.identify_program(raw, now=now)
        if (Scope.READ if request.method in SAFE_METHODS else Scope.WRITE) not in grant.scopes:
            raise ScopeMissingError
        note_use(grant, now=now)
        return user, grant

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="veza"'


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema tells of AccessTokenAuthentication."""

    target_class = AccessTokenAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def rate_limit_identity(request: HttpRequest) -> str | None:
    """The user id of a genuine, unexpired token, without a look at the database; a program's
    token is known to be genuine once it was used here.
    """
    try:
        raw = _bearer(request.META.get("HTTP_AUTHORIZATION", ""))
        if raw is None:
            return None
        if raw.startswith(PREFIX):
            user_id = known_user(raw)
        else:
            user_id = read_token(raw, token_type=TokenType.ACCESS).user_id
    except UnauthenticatedError:
        return None
    return str(user_id) if user_id else None


def _bearer(header: str) -> str | None:
    """Two headers arrive joined by a comma, and so are no token. Raises TokenInvalidError."""
    scheme, _, _ = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    match = _BEARER.fullmatch(header)
    if match is None:
        raise TokenInvalidError
    return match[1]
