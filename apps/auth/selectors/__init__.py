"""Reads. Nothing outside this app queries its tables."""

from apps.auth.selectors.access_tokens import identify_program, list_access_tokens
from apps.auth.selectors.cards import list_cards
from apps.auth.selectors.factors import (
    find_second_factor,
    is_session_stepped_up,
    list_passkeys,
)
from apps.auth.selectors.identities import forget_session, forget_user, identify
from apps.auth.selectors.people import (
    find_user,
    find_user_by_login,
    get_user,
    ids_by_username,
    list_users,
    search_people,
)
from apps.auth.selectors.pictures import (
    find_used_prefixes,
    picture_url,
    picture_urls,
    usual_key,
)
from apps.auth.selectors.roles import (
    count_holders,
    forget_what_roles_allow,
    permissions_by_user,
    permissions_of,
)
from apps.auth.selectors.sessions import (
    check_session,
    find_refresh_token,
    find_session,
    has_signed_in_from,
    is_known_device,
    list_sessions,
    live_sessions,
)
from apps.auth.selectors.social import (
    find_identity,
    find_provider_of,
    get_provider,
    list_identities,
    list_providers,
    ways_to_sign_in,
)
from apps.auth.selectors.viewers import find_signed_in, viewer_of

__all__ = [
    "check_session",
    "count_holders",
    "find_identity",
    "find_provider_of",
    "find_refresh_token",
    "find_second_factor",
    "find_session",
    "find_signed_in",
    "find_used_prefixes",
    "find_user",
    "find_user_by_login",
    "forget_session",
    "forget_user",
    "forget_what_roles_allow",
    "get_provider",
    "get_user",
    "has_signed_in_from",
    "identify",
    "identify_program",
    "ids_by_username",
    "is_known_device",
    "is_session_stepped_up",
    "list_access_tokens",
    "list_cards",
    "list_identities",
    "list_passkeys",
    "list_providers",
    "list_sessions",
    "list_users",
    "live_sessions",
    "permissions_by_user",
    "permissions_of",
    "picture_url",
    "picture_urls",
    "search_people",
    "usual_key",
    "viewer_of",
    "ways_to_sign_in",
]
