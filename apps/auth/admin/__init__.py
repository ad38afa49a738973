"""Operators look here. To change something they call the services that everything else calls."""

from apps.auth.admin.audit import AuditEntryAdmin
from apps.auth.admin.people import UserAdmin
from apps.auth.admin.roles import RoleAdmin
from apps.auth.admin.sessions import SessionAdmin
from apps.auth.admin.social import SocialIdentityAdmin
from apps.auth.admin.tokens import AccessTokenAdmin

__all__ = [
    "AccessTokenAdmin",
    "AuditEntryAdmin",
    "RoleAdmin",
    "SessionAdmin",
    "SocialIdentityAdmin",
    "UserAdmin",
]
