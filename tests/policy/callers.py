"""Every kind of caller, each made once: the columns of the policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.auth.models import AccessToken, User
from apps.auth.selectors import viewer_of
from apps.auth.services import access_tokens, sessions
from apps.auth.services.tokens import read_token, write_token
from apps.auth.types import REGISTRATION_ROLES, RevokedReason, RoleName, Scope, TokenType
from apps.chat.services import issue_token
from tests.factories.auth import make_user, sign_in

LATER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody or something that calls, and with what."""

    name: str
    user: User | None = None
    token: str = ""
    is_signed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def make_callers(*, now: datetime | None = None) -> Mapping[str, Caller]:
    """By their names in policy.yaml."""
    now = now or timezone.now()
    owner = _person("owner", now=now)
    made = [
        Caller(name="anonymous"),
        Caller(name="signed", is_signed=True),
        _signed_in(_person("listener", now=None, roles=frozenset({RoleName.LISTENER}))),
        _signed_in(_person("creator", now=now)),
        _signed_in(owner),
        _signed_in(_person("other", now=now)),
        *(_signed_in(_with_role(role, now=now)) for role in _ROLES),
        *(make(owner, now) for make in _BAD_TOKENS),
        *(_program(owner, scope, now=now) for scope in Scope),
        _machine(now=now),
    ]
    # That a program calls is noted once a minute; none of these minutes ends in a test.
    AccessToken.objects.update(last_used_at=now + LATER)
    return {caller.name: caller for caller in made}


_ROLES = (RoleName.MODERATOR, RoleName.OPERATOR, RoleName.ADMIN, RoleName.INGESTOR)


def _person(name: str, *, now: datetime | None, **fields: Any) -> User:
    return make_user(username=f"the-{name}", email_verified_at=now, **fields)


def _with_role(role: RoleName, *, now: datetime) -> User:
    return _person(role.value, now=now, roles=REGISTRATION_ROLES | {role})


def _signed_in(user: User) -> Caller:
    name = user.username.removeprefix("the-")
    return Caller(name=name, user=user, token=sign_in(user).tokens.access)


def _expired(owner: User, now: datetime) -> Caller:
    claims = read_token(sign_in(owner).tokens.access, token_type=TokenType.ACCESS)
    old = replace(claims, issued_at=now - 2 * LATER, expires_at=now - LATER)
    return Caller(name="expired", user=owner, token=write_token(old))


def _revoked(owner: User, now: datetime) -> Caller:
    token = sign_in(owner).tokens.access
    claims = read_token(token, token_type=TokenType.ACCESS)
    sessions.revoke_session(
        session_id=claims.session_id, reason=RevokedReason.LOGOUT, now=now, actor=None
    )
    return Caller(name="revoked", user=owner, token=token)


def _deactivated(owner: User, now: datetime) -> Caller:
    """His session was not ended: that he is not active is enough."""
    user = _person("deactivated", now=now)
    caller = _signed_in(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return caller


def _chat_token(owner: User, now: datetime) -> Caller:
    claims = read_token(sign_in(owner).tokens.access, token_type=TokenType.ACCESS)
    made = issue_token(viewer=viewer_of(owner, claims), rooms=(), now=now)
    return Caller(name="chat-token", user=owner, token=made.token)


def _refresh_token(owner: User, now: datetime) -> Caller:
    return Caller(name="refresh-token", user=owner, token=sign_in(owner).tokens.refresh)


_BAD_TOKENS: tuple[Callable[[User, datetime], Caller], ...] = (
    _expired, _revoked, _deactivated, _chat_token, _refresh_token,
)  # fmt: skip


def _program(owner: User, scope: Scope, *, now: datetime) -> Caller:
    purpose = access_tokens.TokenPurpose(
        name=scope.value, scopes=frozenset({scope}), expires_at=now + LATER
    )
    made = access_tokens.create_token(user_id=owner.id, purpose=purpose, now=now)
    return Caller(name=f"program-{scope.value}", user=owner, token=made.token)


def _machine(*, now: datetime) -> Caller:
    """It may all that a machine's token can be made for."""
    roles = frozenset({RoleName.LISTENER, RoleName.INGESTOR})
    user = access_tokens.create_machine(username="the-machine", roles=roles)
    made = access_tokens.create_machine_token(
        username=user.username, scopes=frozenset(Scope), expires_at=now + LATER, now=now
    )
    return Caller(name="machine", user=user, token=made.token)
