"""Tables of people: what they are, what they may do, where they are signed in, what happened."""

from apps.auth.models.audit import AuditEntry
from apps.auth.models.factors import Passkey, PasskeyChallenge, RecoveryCode, SecondFactor
from apps.auth.models.people import USERNAME_FORM, USERNAME_HINT, User, UserManager
from apps.auth.models.roles import Role, UserRole, in_order
from apps.auth.models.sessions import RefreshToken, Session

__all__ = [
    "USERNAME_FORM",
    "USERNAME_HINT",
    "AuditEntry",
    "Passkey",
    "PasskeyChallenge",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "SecondFactor",
    "Session",
    "User",
    "UserManager",
    "UserRole",
    "in_order",
]
