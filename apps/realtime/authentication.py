"""Who is at the other end: the token's Viewer, found by the function that settings name."""

import asyncio
import logging
from collections.abc import Collection

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils.module_loading import import_string

from apps.realtime.types import ANONYMOUS, Viewer

logger = logging.getLogger(__name__)


async def authenticate(token: str) -> Viewer:
    """The viewer whose token this is; without one, nobody in particular.

    One query, in a thread. Raises TokenExpiredError, TokenInvalidError, and DatabaseError when
    PostgreSQL is away.
    """
    if not token:
        return ANONYMOUS
    return await asyncio.to_thread(_authenticate, token)


def _authenticate(token: str) -> Viewer:
    close_old_connections()
    try:
        viewer: Viewer = import_string(settings.REALTIME_AUTHENTICATOR)(token)
        return viewer
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
