"""Tables of people: what they are, what they may do, where they are signed in, what happened."""

from apps.auth.models.audit import AuditCheck, AuditEntry, AuditOrigin, AuditSeal
from apps.auth.models.exports import DataExport
from apps.auth.models.factors import Passkey, PasskeyChallenge, RecoveryCode, SecondFactor
from apps.auth.models.people import USERNAME_FORM, USERNAME_HINT, User, UserManager
from apps.auth.models.roles import Permission, Role, RolePermission, UserRole, in_order
from apps.auth.models.sessions import RefreshToken, Session
from apps.auth.models.settings import UserSettings
from apps.auth.models.social import SocialAttempt, SocialIdentity
from apps.auth.models.tokens import AccessToken

__all__ = [
    "USERNAME_FORM",
    "USERNAME_HINT",
    "AccessToken",
    "AuditCheck",
    "AuditEntry",
    "AuditOrigin",
    "AuditSeal",
    "DataExport",
    "Passkey",
    "PasskeyChallenge",
    "Permission",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "RolePermission",
    "SecondFactor",
    "Session",
    "SocialAttempt",
    "SocialIdentity",
    "User",
    "UserManager",
    "UserRole",
    "UserSettings",
    "in_order",
]
