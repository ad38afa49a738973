"""Tokens for programs: whose they are, mostly without a statement."""

import copy
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from apps.auth.errors import TokenExpiredError, TokenInvalidError
from apps.auth.models import AccessToken, User
from apps.auth.selectors import identities
from apps.auth.types import Grant

PREFIX = "veza_pat_"


class _Known(NamedTuple):
    token: AccessToken
    read_at: float


_known: OrderedDict[str, _Known] = OrderedDict()
_lock = Lock()


def list_access_tokens(user_id: UUID) -> QuerySet[AccessToken]:
    """Those that the user has and has not revoked; they may be over."""
    return AccessToken.objects.filter(user_id=user_id, revoked_at__isnull=True)


def identify_program(raw: str, *, now: datetime) -> tuple[User, Grant]:
    """The user for whom the bearer acts, as he was up to a few seconds ago, and how far.

    Raises TokenInvalidError, TokenExpiredError.
    """
    token = _token(hash_of(raw))
    if token is None or token.revoked_at is not None or not token.user.is_active:
        raise TokenInvalidError
    if token.expires_at <= now:
        raise TokenExpiredError
    grant = Grant(
        token_id=token.id,
        user_id=token.user_id,
        scopes=frozenset(token.scopes),
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )
    return copy.copy(token.user), grant


def known_user(raw: str) -> UUID | None:
    """Whose token it is, if it was a good one lately. No statement."""
    known = _known.get(hash_of(raw))
    return known.token.user_id if known else None


def forget_access_token(token_id: UUID) -> None:
    """The next call with it is looked up."""
    with _lock:
        for key in [key for key, known in _known.items() if known.token.id == token_id]:
            del _known[key]


def forget_all() -> None:
    """As after a start."""
    with _lock:
        _known.clear()


def live_access_tokens(token_ids: Iterable[UUID], *, now: datetime) -> set[UUID]:
    """Those of them that are neither revoked nor over, of users who are active."""
    tokens = AccessToken.objects.filter(
        pk__in=list(token_ids),
        revoked_at__isnull=True,
        expires_at__gt=now,
        user__is_active=True,
    )
    return set(tokens.values_list("pk", flat=True))


def hash_of(raw: str) -> str:
    """By which the token is found."""
    return sha256(raw.encode("utf-8", "surrogateescape")).hexdigest()


def _token(key: str) -> AccessToken | None:
    now = time.monotonic()
    known = _known.get(key)
    if known is not None and now - known.read_at < identities.REMEMBERED_S:
        return known.token
    token = AccessToken.objects.select_related("user").filter(hash=key).first()
    if token is not None:
        _ = token.user.roles, token.user.permissions  # read once, and copied with the user
    with _lock:
        _known.pop(key, None)
        if token is not None and token.revoked_at is None:
            _known[key] = _Known(token, now)
        while len(_known) > identities.MAX_REMEMBERED:
            _known.popitem(last=False)
    return token
