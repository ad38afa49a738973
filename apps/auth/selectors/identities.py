"""Whose token it is, in the common case without a statement.

A process remembers for REMEMBERED_S what it read of a session and its user. So whatever is revoked
or changed bites everywhere within that time, whether or not Redis is there; at once in the process
that made the change, and within milliseconds where facts are followed (apps.auth.realtime).
"""

import copy
import time
from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from apps.auth.models import Session, User
from apps.auth.selectors.sessions import check_session, find_session
from apps.auth.types import Claims

REMEMBERED_S = 4.0
MAX_REMEMBERED = 10_000


class _Known(NamedTuple):
    session: Session
    read_at: float


_known: OrderedDict[UUID, _Known] = OrderedDict()
_lock = Lock()


def identify(claims: Claims, *, now: datetime) -> User:
    """The user in whose live session the token is good, as he was up to REMEMBERED_S ago.

    For what has to be current (passwords, what he sees of himself) read him again. Raises
    TokenInvalidError and TokenExpiredError.
    """
    session = check_session(_session(claims.session_id), claims=claims, now=now)
    return copy.copy(session.user)  # what one request does to it is no matter of the next


def forget_session(session_id: UUID) -> None:
    """The next token of this session is looked up."""
    with _lock:
        _known.pop(session_id, None)


def forget_user(user_id: UUID) -> None:
    """The next token of this user is looked up."""
    with _lock:
        for session_id in [
            key for key, known in _known.items() if known.session.user_id == user_id
        ]:
            del _known[session_id]


def forget_all() -> None:
    """As after a start."""
    with _lock:
        _known.clear()


def _session(session_id: UUID) -> Session | None:
    now = time.monotonic()
    known = _known.get(session_id)
    if known is not None and now - known.read_at < REMEMBERED_S:
        return known.session
    session = find_session(session_id)  # `now` is from before: nothing is remembered for longer
    with _lock:
        _known.pop(session_id, None)
        if session is not None and session.revoked_at is None:
            _known[session_id] = _Known(session, now)
        while len(_known) > MAX_REMEMBERED:
            _known.popitem(last=False)
    return session
