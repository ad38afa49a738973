"""Who holds a chat token."""

from datetime import datetime

from apps.auth.selectors import find_signed_in
from apps.chat.types import ChatClaims
from apps.realtime.errors import TokenInvalidError
from apps.realtime.types import Viewer


def viewer_of(claims: ChatClaims, *, now: datetime) -> Viewer:
    """As he is at present. Raises TokenInvalidError when his session has ended."""
    user = find_signed_in(user_id=claims.user_id, session_id=claims.session_id, now=now)
    if user is None:
        raise TokenInvalidError
    return Viewer(
        user_id=str(user.id),
        session_id=str(claims.session_id),
        roles=frozenset(user.roles),
        permissions=frozenset(),
        expires_at=claims.expires_at.timestamp(),
        username=user.username,
        room_prefix="chat:",
        only_rooms=frozenset(claims.rooms) or None,
    )
