"""What realtime needs to know of people: who they are, their own room, and when they must go."""

from collections.abc import Collection
from uuid import UUID

from django.utils import timezone

from apps.auth.errors import TokenExpiredError, TokenInvalidError
from apps.auth.events import SessionRevoked
from apps.auth.selectors import check_session, find_session, live_sessions
from apps.auth.services.tokens import read_token
from apps.auth.types import TokenType
from apps.realtime import errors
from apps.realtime.services import end_session, room, watch_facts
from apps.realtime.types import Message, Viewer


def authenticate(token: str) -> Viewer:
    """The viewer of an access token. One query.

    Raises apps.realtime.errors.TokenExpiredError and TokenInvalidError.
    """
    try:
        claims = read_token(token, token_type=TokenType.ACCESS)
        session = check_session(find_session(claims.session_id), claims=claims, now=timezone.now())
    except TokenExpiredError:
        raise errors.TokenExpiredError from None
    except TokenInvalidError:
        raise errors.TokenInvalidError from None
    user = session.user
    return Viewer(
        user_id=str(user.id),
        session_id=str(session.id),
        roles=frozenset(user.roles),
        permissions=user.permissions,
        expires_at=min(claims.expires_at, session.expires_at).timestamp(),
        username=user.username,
    )


def dead_sessions(session_ids: Collection[str]) -> set[str]:
    """Those of them in which no token is good any more. One query."""
    live = live_sessions([UUID(each) for each in session_ids], now=timezone.now())
    return set(session_ids) - {str(each) for each in live}


def is_self(viewer: Viewer, *, id: str) -> bool:  # noqa: A002 - the term of the room's name
    """Whether the viewer is the user with this id."""
    return viewer.user_id is not None and viewer.user_id == id


def _end_session(fact: Message) -> None:
    end_session(fact.data["session_id"])


room("user:{id}", may_join=is_self)
watch_facts(SessionRevoked.name, _end_session)
