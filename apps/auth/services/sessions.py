"""Sessions: beginning, staying, ending."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.auth import rules, selectors
from apps.auth.errors import RefreshReusedError, SessionNotFoundError
from apps.auth.events import SessionCreated, SessionRevoked
from apps.auth.models import RefreshToken, Session, User
from apps.auth.services import audit
from apps.auth.services.tokens import make_pair, read_token, write_token
from apps.auth.services.updates import publish_updated
from apps.auth.types import AuditAction, Claims, RevokedReason, TokenPair, TokenType
from apps.events.services import publish
from apps.events.types import Actor, Subject
from veza.kit.context import Client
from veza.kit.models import new_id

# Used rows are needed for the grace only: a genuine token without a row is an old one, too.
KEEP_USED = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """A person, and the tokens of the session that was opened for him."""

    user: User
    tokens: TokenPair


@transaction.atomic
def open_session(*, user: User, client: Client, now: datetime) -> SignIn:
    """Begin a session for a person whom the caller has made sure of."""
    ttl_s = settings.REFRESH_TOKEN_TTL_S
    expires_at = rules.session_expiry(created_at=now, now=now, refresh_ttl_s=ttl_s)
    session = _create_session(
        user=user, client=client, now=now, expires_at=expires_at, stepped_up_at=now
    )
    row = RefreshToken.objects.create(session=session, issued_at=now, expires_at=expires_at)
    tokens = make_pair(row=row, session=session, user=user)
    actor = Actor(type="user", id=user.id)
    audit.record(
        AuditAction.LOGIN_SUCCEEDED,
        user_id=user.id,
        actor=actor,
        now=now,
        session_id=str(session.id),
    )
    _publish_created(session)
    if user.erase_at is not None:
        cancel_erasure(user, now=now, actor=actor)
    return SignIn(user=user, tokens=tokens)


@transaction.atomic
def cancel_erasure(user: User, *, now: datetime, actor: Actor) -> None:
    """The account stays."""
    user.erase_at = None
    if User.objects.filter(pk=user.pk, erased_at__isnull=True).update(
        erase_at=None, updated_at=now
    ):
        audit.record(AuditAction.ERASURE_CANCELLED, user_id=user.id, actor=actor, now=now)
        publish_updated(user, "erase_at", actor=actor)


@transaction.atomic
def issue_access(*, user: User, client: Client, now: datetime, lifetime: timedelta) -> str:
    """An access token in a session of its own that cannot be refreshed, for a program."""
    expires_at = now + lifetime
    session = _create_session(user=user, client=client, now=now, expires_at=expires_at)
    token = write_token(
        Claims(
            token_type=TokenType.ACCESS,
            token_id=new_id(),
            user_id=user.id,
            session_id=session.id,
            username=user.username,
            token_version=user.token_version,
            roles=user.roles,
            issued_at=now,
            expires_at=expires_at,
        )
    )
    _publish_created(session)
    return token


def _create_session(
    *,
    user: User,
    client: Client,
    now: datetime,
    expires_at: datetime,
    stepped_up_at: datetime | None = None,
) -> Session:
    User.objects.filter(pk=user.pk).update(last_login=now)
    return Session.objects.create(
        user=user,
        user_agent=client.user_agent[:400],
        ip=client.address or None,
        last_used_at=now,
        expires_at=expires_at,
        stepped_up_at=stepped_up_at,
    )


def _publish_created(session: Session) -> None:
    publish(
        SessionCreated(session_id=session.id, user_id=session.user_id),
        subject=Subject(type="session", id=session.id),
        rooms=[f"user:{session.user_id}"],
        actor=Actor(type="user", id=session.user_id),
    )


def refresh(*, token: str, client: Client, now: datetime) -> TokenPair:
    """Exchange a refresh token for its one successor.

    The client that has just used it gets the same successor again, for REFRESH_GRACE_S. Raises
    RefreshReusedError for any other second use, and ends the session; TokenInvalidError and
    TokenExpiredError for what is no token of a live session.
    """
    claims = read_token(token, token_type=TokenType.REFRESH)
    session = selectors.find_session(claims.session_id)
    if session and session.revoked_reason == RevokedReason.REFRESH_REUSED:
        raise RefreshReusedError
    session = selectors.check_session(session, claims=claims, now=now)
    tokens = _rotate(session=session, token_id=claims.token_id, client=client, now=now)
    if tokens is None:
        revoke_session(session_id=session.id, reason=RevokedReason.REFRESH_REUSED, now=now)
        raise RefreshReusedError
    return tokens


@transaction.atomic
def _rotate(*, session: Session, token_id: UUID, client: Client, now: datetime) -> TokenPair | None:
    """The first to mark the row as used makes its successor; the others wait, and find it."""
    expires_at = rules.session_expiry(
        created_at=session.created_at, now=now, refresh_ttl_s=settings.REFRESH_TOKEN_TTL_S
    )
    successor = RefreshToken(session=session, issued_at=now, expires_at=expires_at)
    was_first = RefreshToken.objects.filter(
        pk=token_id, session_id=session.id, used_at__isnull=True
    ).update(
        used_at=now,
        used_by=rules.user_agent_hash(client.user_agent),
        successor_id=successor.id,
    )
    if not was_first:
        return _successor_again(session=session, token_id=token_id, client=client, now=now)
    successor.save(force_insert=True)
    Session.objects.filter(pk=session.pk).update(
        last_used_at=now,
        expires_at=expires_at,
        ip=client.address or None,
        user_agent=client.user_agent[:400],
    )
    RefreshToken.objects.filter(session_id=session.pk, used_at__lt=now - KEEP_USED).delete()
    return make_pair(row=successor, session=session, user=session.user)


def _successor_again(
    *, session: Session, token_id: UUID, client: Client, now: datetime
) -> TokenPair | None:
    old = selectors.find_refresh_token(token_id)
    if old is None or old.used_at is None or old.successor_id is None:
        return None
    if not rules.is_same_try(
        used_at=old.used_at,
        used_by=old.used_by,
        user_agent=client.user_agent,
        now=now,
        grace_s=settings.REFRESH_GRACE_S,
    ):
        return None
    row = selectors.find_refresh_token(old.successor_id)
    return make_pair(row=row, session=session, user=session.user) if row else None


@transaction.atomic
def revoke_session(
    *, session_id: UUID, reason: RevokedReason, now: datetime, actor: Actor | None = None
) -> None:
    """End a session: its tokens stop working with the next request. A repeat changes nothing.

    Raises SessionNotFoundError.
    """
    try:
        session = Session.objects.select_for_update().get(pk=session_id)
    except Session.DoesNotExist:
        raise SessionNotFoundError from None
    if session.revoked_at is None:
        _revoke(session, reason=reason, now=now, actor=actor)


@transaction.atomic
def revoke_own_session(*, user_id: UUID, session_id: UUID, now: datetime) -> None:
    """End one of the user's sessions, as he asks. Raises SessionNotFoundError, also for one that
    has ended.
    """
    if not selectors.list_sessions(user_id, now=now).filter(pk=session_id).exists():
        raise SessionNotFoundError
    actor = Actor(type="user", id=user_id)
    revoke_session(session_id=session_id, reason=RevokedReason.BY_OWNER, now=now, actor=actor)


@transaction.atomic
def revoke_sessions(
    *,
    user_id: UUID,
    reason: RevokedReason,
    now: datetime,
    actor: Actor | None = None,
    keep_session_id: UUID | None = None,
) -> int:
    """End every session of a user, but the one to keep; how many there were."""
    live = selectors.list_sessions(user_id, now=now)
    if keep_session_id is not None:
        live = live.exclude(pk=keep_session_id)
    sessions = list(live.order_by("id").select_for_update())
    for session in sessions:
        _revoke(session, reason=reason, now=now, actor=actor)
    return len(sessions)


def _revoke(session: Session, *, reason: RevokedReason, now: datetime, actor: Actor | None) -> None:
    session.revoked_at = now
    session.revoked_reason = reason
    session.save(update_fields=["revoked_at", "revoked_reason", "updated_at"])
    transaction.on_commit(partial(selectors.forget_session, session.id))
    audit.record(
        AuditAction.SESSION_REVOKED,
        user_id=session.user_id,
        actor=actor,
        now=now,
        session_id=str(session.id),
        reason=reason.value,
    )
    publish(
        SessionRevoked(session_id=session.id, user_id=session.user_id, reason=reason),
        subject=Subject(type="session", id=session.id),
        rooms=[f"user:{session.user_id}"],
        actor=actor,
    )
