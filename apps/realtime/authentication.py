"""Who is at the other end: the token's Viewer, found by the function that settings name."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Sequence

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils.module_loading import import_string

from apps.realtime.errors import TokenInvalidError
from apps.realtime.types import ANONYMOUS, Viewer

logger = logging.getLogger(__name__)


async def authenticate(token: str, *, on_application_socket: bool = False) -> Viewer:
    """The viewer whose token this is; without one, nobody in particular.

    The application socket takes some tokens that are good nowhere else. In a thread. Raises
    TokenExpiredError, TokenInvalidError, and DatabaseError when PostgreSQL is away.
    """
    if not token:
        return ANONYMOUS
    others = settings.REALTIME_SOCKET_AUTHENTICATORS if on_application_socket else ()
    return await asyncio.to_thread(_authenticate, token, (settings.REALTIME_AUTHENTICATOR, *others))


def _authenticate(token: str, names: Sequence[str]) -> Viewer:
    """By the first that knows the token."""
    close_old_connections()
    try:
        for name in names:
            with contextlib.suppress(TokenInvalidError):
                viewer: Viewer = import_string(name)(token)
                return viewer
        raise TokenInvalidError
    finally:
        close_old_connections()


async def outdated(
    check: Callable[[Collection[Viewer]], Collection[str]], viewers: Collection[Viewer]
) -> Collection[str]:
    """The sessions that `check` names; all of them while PostgreSQL is away."""
    if not viewers:
        return ()
    try:
        return await asyncio.to_thread(_checked, check, viewers)
    except DatabaseError:
        logger.warning("viewers_not_checked", exc_info=True)
        return [viewer.session_id for viewer in viewers if viewer.session_id]


def _checked(
    check: Callable[[Collection[Viewer]], Collection[str]], viewers: Collection[Viewer]
) -> Collection[str]:
    close_old_connections()
    try:
        return check(viewers)
    finally:
        close_old_connections()


async def dead_sessions(session_ids: Collection[str]) -> Collection[str]:
    """Which of these sessions have ended, by the function that settings name; none while
    PostgreSQL is away.
    """
    if not session_ids:
        return ()
    try:
        return await asyncio.to_thread(_dead_sessions, list(session_ids))
    except DatabaseError:
        logger.warning("sessions_not_checked", exc_info=True)
        return ()


def _dead_sessions(session_ids: list[str]) -> Collection[str]:
    close_old_connections()
    try:
        found: Collection[str] = import_string(settings.REALTIME_SESSION_CHECK)(session_ids)
        return found
    finally:
        close_old_connections()
