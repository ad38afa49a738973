"""Callers in the words of realtime, which other apps ask about what one may see, too."""

from datetime import datetime
from uuid import UUID

from apps.auth.models import User
from apps.auth.selectors.access_tokens import live_access_tokens
from apps.auth.selectors.people import find_user
from apps.auth.selectors.sessions import live_sessions
from apps.auth.types import Claims, Grant, Scope
from apps.realtime.permissions import RealtimePermission
from apps.realtime.types import Viewer


def viewer_of(user: User, auth: Claims | Grant) -> Viewer:
    """Who calls with this proof. The token of a program stands in for a session: without the scope
    it lacks the permission to ingest, reads no more than everyone may, or writes nothing.
    """
    session_id, held = _session(auth), user.permissions
    is_limited = isinstance(auth, Grant) and Scope.INGEST not in auth.scopes
    return Viewer(
        user_id=str(user.id),
        session_id=str(session_id),
        roles=frozenset(user.roles),
        permissions=held - {RealtimePermission.INGEST} if is_limited else held,
        expires_at=auth.expires_at.timestamp(),
        username=user.username,
        may_read=isinstance(auth, Claims) or Scope.READ in auth.scopes,
        may_write=isinstance(auth, Claims) or Scope.WRITE in auth.scopes,
    )


def find_signed_in(*, user_id: UUID, session_id: UUID, now: datetime) -> User | None:
    """The user, if this session or access token of his is still good."""
    live = live_sessions([session_id], now=now) | live_access_tokens([session_id], now=now)
    return find_user(user_id) if live else None


def _session(auth: Claims | Grant) -> UUID:
    return auth.session_id if isinstance(auth, Claims) else auth.token_id
