"""Operators look here. To change something they call the services that everything else calls."""

from apps.auth.admin.audit import AuditEntryAdmin
from apps.auth.admin.people import UserAdmin
from apps.auth.admin.sessions import SessionAdmin

__all__ = ["AuditEntryAdmin", "SessionAdmin", "UserAdmin"]
