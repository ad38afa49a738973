"""Who uploads: the bearer of an access token, or of a program's token that may write."""

from datetime import datetime
from uuid import UUID

from apps.auth import selectors
from apps.auth.errors import ScopeMissingError, TokenInvalidError
from apps.auth.selectors.access_tokens import PREFIX
from apps.auth.services.access_tokens import note_use
from apps.auth.services.tokens import read_token
from apps.auth.types import Scope, TokenType
from veza.kit.errors import UnauthenticatedError


def identify_uploader(header: str, *, now: datetime) -> tuple[UUID, UUID]:
    """The user, and the session or token by which he is known. Mostly without a statement.

    Raises UnauthenticatedError, TokenInvalidError, TokenExpiredError, ScopeMissingError.
    """
    raw = _bearer(header)
    if not raw.startswith(PREFIX):
        claims = read_token(raw, token_type=TokenType.ACCESS)
        return selectors.identify(claims, now=now).id, claims.session_id
    user, grant = selectors.identify_program(raw, now=now)
    if Scope.WRITE not in grant.scopes:
        raise ScopeMissingError
    note_use(grant, now=now)
    return user.id, grant.token_id


def _bearer(header: str) -> str:
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    token = token.strip()
    if not token or " " in token or "," in token:  # two headers arrive joined by a comma
        raise TokenInvalidError
    return token
