"""What realtime needs to know of people: who they are, their own room, and when they must go."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.utils import timezone

from apps.auth.errors import TokenExpiredError, TokenInvalidError
from apps.auth.events import (
    AccessTokenRevoked,
    RolePermissionsChanged,
    SessionRevoked,
    UserDeleted,
    UserUpdated,
)
from apps.auth.selectors import (
    check_session,
    find_session,
    forget_session,
    forget_user,
    forget_what_roles_allow,
    identify_program,
    live_sessions,
    permissions_by_user,
    viewer_of,
)
from apps.auth.selectors.access_tokens import PREFIX, forget_access_token, live_access_tokens
from apps.auth.services.tokens import read_token
from apps.auth.types import Scope, TokenType
from apps.realtime import errors
from apps.realtime.feeds import Feed, feed
from apps.realtime.services import check_viewers, end_session, room, watch_facts
from apps.realtime.types import Message, Viewer

POWERS = frozenset({"roles", "is_active"})


def authenticate(token: str) -> Viewer:
    """The viewer of an access token, a session's or a program's. One or two queries.

    Raises apps.realtime.errors.TokenExpiredError and TokenInvalidError.
    """
    try:
        return _program(token) if token.startswith(PREFIX) else _person(token)
    except TokenExpiredError:
        raise errors.TokenExpiredError from None
    except TokenInvalidError:
        raise errors.TokenInvalidError from None


def _person(token: str) -> Viewer:
    claims = read_token(token, token_type=TokenType.ACCESS)
    session = check_session(find_session(claims.session_id), claims=claims, now=timezone.now())
    return replace(
        viewer_of(session.user, claims),
        expires_at=min(claims.expires_at, session.expires_at).timestamp(),
    )


def _program(token: str) -> Viewer:
    user, grant = identify_program(token, now=timezone.now())
    if grant.scopes.isdisjoint({Scope.READ, Scope.INGEST}):
        raise TokenInvalidError
    return viewer_of(user, grant)


def dead_sessions(session_ids: Collection[str]) -> set[str]:
    """Those of them in which no token is good any more. Two queries."""
    ids, now = [UUID(each) for each in session_ids], timezone.now()
    live = live_sessions(ids, now=now) | live_access_tokens(ids, now=now)
    return set(session_ids) - {str(each) for each in live}


def is_self(viewer: Viewer, *, id: str) -> bool:  # noqa: A002 - the term of the room's name
    """Whether the viewer is the user with this id."""
    return viewer.user_id is not None and viewer.user_id == id


def _end_session(fact: Message) -> None:
    forget_session(UUID(fact.data["session_id"]))
    end_session(fact.data["session_id"])


def _end_program(fact: Message) -> None:
    forget_access_token(UUID(fact.data["access_token_id"]))
    end_session(fact.data["access_token_id"])


def outdated_viewers(viewers: Collection[Viewer]) -> set[str]:
    """The sessions of those whose token works no more, or who held more than they may do now."""
    held = permissions_by_user({UUID(each.user_id) for each in viewers if each.user_id})
    gone = dead_sessions({each.session_id for each in viewers if each.session_id})
    return gone | {
        each.session_id
        for each in viewers
        if each.session_id
        and each.user_id
        and not each.permissions <= held.get(UUID(each.user_id), frozenset())
    }


def _forget_user(fact: Message) -> None:
    forget_user(UUID(fact.data["user_id"]))
    if not POWERS.isdisjoint(fact.data.get("changed", POWERS)):  # tokens of programs have no fact
        check_viewers(outdated_viewers, user_id=fact.data["user_id"])


def _forget_roles(_: Message) -> None:
    forget_what_roles_allow()
    check_viewers(outdated_viewers)


room("user:{id}", may_join=is_self, about="What concerns one person, who alone may join.")
feed(
    Feed(
        type="user.export_progress",
        about="The copy of one's data that was asked for is so far.",
        rooms=("user:{id}",),
        properties={"progress": {"type": "integer", "minimum": 0, "maximum": 100}},
        example={"progress": 40},
    )
)
watch_facts(SessionRevoked.name, _end_session)
watch_facts(AccessTokenRevoked.name, _end_program)
watch_facts(UserUpdated.name, _forget_user)
watch_facts(UserDeleted.name, _forget_user)
watch_facts(RolePermissionsChanged.name, _forget_roles)
