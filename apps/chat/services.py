"""Tokens with which clients show themselves to a chat server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from apps.auth.errors import ScopeMissingError
from apps.auth.services.tokens import ISSUER, LEEWAY_S, check_form
from apps.chat.types import ChatClaims, ChatToken
from apps.realtime.errors import RoomNotFoundError, TokenInvalidError
from apps.realtime.selectors import may_join
from apps.realtime.types import Viewer
from veza.kit.models import new_id

AUDIENCE = "veza-chat"
KIND = "chat"
LIFETIME = timedelta(minutes=5)
PREFIX = "chat:"


def issue_token(*, viewer: Viewer, rooms: Sequence[str], now: datetime) -> ChatToken:
    """A token for these chat rooms, or for all that the viewer may join if none is named.

    It works as long as the viewer's session does, and reads: a program needs that scope, too.
    Raises ScopeMissingError, and RoomNotFoundError for a room that the viewer may not join.
    """
    if not viewer.may_read:
        raise ScopeMissingError
    names = [room if room.startswith(PREFIX) else PREFIX + room for room in rooms]
    if not all(may_join(name, viewer) for name in names):
        raise RoomNotFoundError
    payload = {
        "typ": KIND,
        "sub": viewer.user_id,
        "username": viewer.username,
        "roles": sorted(viewer.roles),
        "rooms": list(dict.fromkeys(names)),
        "sid": viewer.session_id,
        "jti": str(new_id()),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
    }
    token = _backend(settings.CHAT_TOKEN_SECRET).encode(payload)
    return ChatToken(token=token, expires_in=int(LIFETIME.total_seconds()))


def read_token(raw: str) -> ChatClaims:
    """What the token claims, without a look at the database. Raises TokenInvalidError."""
    try:
        check_form(raw)
        payload = _backend(settings.CHAT_TOKEN_SECRET).decode(raw)  # type: ignore[arg-type]
        if payload["typ"] != KIND or payload["aud"] != AUDIENCE:
            raise TokenInvalidError
        return ChatClaims(
            user_id=UUID(payload["sub"]),
            session_id=UUID(payload["sid"]),
            username=str(payload["username"]),
            roles=tuple(map(str, payload["roles"])),
            rooms=tuple(map(str, payload["rooms"])),
            expires_at=datetime.fromtimestamp(payload["exp"], tz=UTC),
        )
    except (
        TokenBackendError, jwt.InvalidTokenError,
        KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError,
    ):  # fmt: skip
        raise TokenInvalidError from None


@cache
def _backend(secret: str) -> TokenBackend:
    """The chat server checks with the same secret, so it is taken as it is."""
    return TokenBackend(
        "HS256", signing_key=secret, audience=AUDIENCE, issuer=ISSUER, leeway=LEEWAY_S
    )
