"""Reads. Nothing outside this app queries its tables."""

from apps.auth.selectors.factors import (
    find_second_factor,
    is_session_stepped_up,
    list_passkeys,
)
from apps.auth.selectors.people import find_user_by_login, get_user, list_users
from apps.auth.selectors.sessions import (
    check_session,
    find_refresh_token,
    find_session,
    has_signed_in_from,
    live_sessions,
)

__all__ = [
    "check_session",
    "find_refresh_token",
    "find_second_factor",
    "find_session",
    "find_user_by_login",
    "get_user",
    "has_signed_in_from",
    "is_session_stepped_up",
    "list_passkeys",
    "list_users",
    "live_sessions",
]
