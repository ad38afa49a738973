"""The words of accounts that other apps may use too."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import TextChoices


class RoleName(TextChoices):
    """What people and programs are to the platform, from the least power to the most.

    An ingestor is a program that sends data into the event backbone.
    """

    LISTENER = "listener"
    CREATOR = "creator"
    INGESTOR = "ingestor"
    MODERATOR = "moderator"
    OPERATOR = "operator"
    ADMIN = "admin"


REGISTRATION_ROLES = frozenset({RoleName.LISTENER, RoleName.CREATOR})
STAFF_ROLES = frozenset({RoleName.OPERATOR, RoleName.ADMIN})


class AuthPermission(TextChoices):
    """What accounts let only some do."""

    READ_USERS = "users.read", "See people and their sessions"
    MANAGE_USERS = "users.manage", "Sign people out, deactivate and activate them"
    GRANT_ROLES = "roles.grant", "Give roles to people and take them"
    READ_AUDIT = "audit.read", "Read the audit log"


class RevokedReason(TextChoices):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REFRESH_REUSED = "refresh_reused"
    BY_OPERATOR = "by_operator"
    ROLE_LOST = "role_lost"
    DEACTIVATED = "deactivated"
    FACTOR_CHANGED = "factor_changed"


class AuditAction(TextChoices):
    """What the audit log tells of; a name, once written, keeps its meaning."""

    USER_REGISTERED = "user.registered"
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    REFRESH_REUSED = "refresh.reused"
    SESSION_REVOKED = "session.revoked"
    ROLES_CHANGED = "roles.changed"
    USER_ACTIVATED = "user.activated"
    USER_DEACTIVATED = "user.deactivated"
    TWO_FACTOR_ON = "two_factor.on"
    TWO_FACTOR_OFF = "two_factor.off"
    TWO_FACTOR_FAILED = "two_factor.failed"
    TWO_FACTOR_LOCKED = "two_factor.locked"
    RECOVERY_CODE_USED = "recovery_code.used"
    RECOVERY_CODES_MADE = "recovery_codes.made"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    PASSKEY_REFUSED = "passkey.refused"
    STEP_UP_SUCCEEDED = "step_up.succeeded"
    STEP_UP_FAILED = "step_up.failed"


class Ceremony(TextChoices):
    """What a WebAuthn challenge was made for; it is good for nothing else."""

    REGISTER = "register"
    SIGN_IN = "sign_in"


class TokenType(TextChoices):
    """What a token is good for; one is never taken for the other."""

    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a token says, once its signature, type, times, issuer and audience are checked."""

    token_type: TokenType
    token_id: UUID
    user_id: UUID
    session_id: UUID
    username: str
    token_version: int
    roles: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """What a client holds for a session; `expires_in` is the life of `access` in seconds."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True, kw_only=True)
class FactorSetup:
    """What an authenticator app needs to be set up; it is shown once."""

    secret: str
    otpauth_url: str
    qr_svg: str
