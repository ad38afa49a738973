"""Who is signed in where."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.auth.errors import TokenExpiredError, TokenInvalidError
from apps.auth.models import RefreshToken, Session, in_order
from apps.auth.selectors.devices import device_of
from apps.auth.selectors.people import find_user_by_login
from apps.auth.types import Claims

KNOWN = 200  # of the sessions before, so many are looked at


def find_session(session_id: UUID) -> Session | None:
    """In any state, with its user and what the user may do, in one statement."""
    session = Session.objects.with_user().filter(pk=session_id).first()
    if session is not None:
        session.user.roles = in_order(session.role_names)
        session.user.permissions = frozenset(session.permission_names)
        session.user.has_second_factor = session.has_second_factor
    return session


def check_session(session: Session | None, *, claims: Claims, now: datetime) -> Session:
    """The session, if it is one in which a token with these claims is good.

    Raises TokenInvalidError when it was revoked, its user is not active or the token belongs to
    an earlier version of the user; TokenExpiredError when its time is over.
    """
    if session is None or session.revoked_at is not None or not session.user.is_active:
        raise TokenInvalidError
    user = session.user
    if (user.id, user.token_version) != (claims.user_id, claims.token_version):
        raise TokenInvalidError
    if session.expires_at <= now:
        raise TokenExpiredError
    return session


def live_sessions(session_ids: Iterable[UUID], *, now: datetime) -> set[UUID]:
    """Those of them that are neither revoked nor over, of users who are active."""
    sessions = Session.objects.unrevoked().filter(
        pk__in=list(session_ids), expires_at__gt=now, user__is_active=True
    )
    return set(sessions.values_list("pk", flat=True))


def list_sessions(user_id: UUID, *, now: datetime) -> QuerySet[Session]:
    """Where the user is signed in at present."""
    return Session.objects.of_user(user_id).unrevoked().filter(expires_at__gt=now)


def find_refresh_token(token_id: UUID) -> RefreshToken | None:
    """What is known of a refresh token."""
    return RefreshToken.objects.filter(pk=token_id).first()


def has_signed_in_from(*, login: str, address: str) -> bool:
    """Whether the account has ever had a session from this address."""
    user = find_user_by_login(login)
    return user is not None and Session.objects.of_user(user.id).filter(ip=address).exists()


def is_known_device(session: Session) -> bool:
    """Whether its user has signed in from such a device before, or never from anywhere."""
    earlier = Session.objects.of_user(session.user_id).filter(created_at__lt=session.created_at)
    agents = list(earlier.order_by("-created_at").values_list("user_agent", flat=True)[:KNOWN])
    return not agents or _device(session.user_agent) in map(_device, set(agents))


def _device(user_agent: str) -> str:
    """The next version of a browser is the same device."""
    return device_of(user_agent) or user_agent
