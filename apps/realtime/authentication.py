"""Who is at the other end: the token's Viewer, found by the function that settings name."""

import asyncio

from django.conf import settings
from django.db import close_old_connections
from django.utils.module_loading import import_string

from apps.realtime.types import ANONYMOUS, Viewer


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
