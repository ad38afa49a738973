"""The words of accounts that other apps may use too."""

from collections.abc import Mapping
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
    MANAGE_USERS = "users.manage", "Sign people out, deactivate them, help who cannot sign in"
    GRANT_ROLES = "roles.grant", "Give roles to people and take them"
    READ_AUDIT = "audit.read", "Read the audit log"


class Theme(TextChoices):
    """How a front end looks."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class ExportStatus(TextChoices):
    """How far a copy of somebody's data is. `none` stands in answers alone."""

    NONE = "none"
    RUNNING = "running"
    READY = "ready"


class Scope(TextChoices):
    """What an access token may do at most; never more than its user."""

    READ = "read", "Read what its user may read, also over streams and sockets"
    WRITE = "write", "Change what its user may change"
    INGEST = "ingest", "Send data into the event backbone, where its user may"


class RevokedReason(TextChoices):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    BY_OWNER = "by_owner"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    ACCOUNT_ERASED = "account_erased"
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
    ROLE_PERMISSIONS_CHANGED = "role.permissions_changed"
    USER_ACTIVATED = "user.activated"
    USER_DEACTIVATED = "user.deactivated"
    EMAIL_VERIFIED = "email.verified"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - an action
    PASSWORD_RESET_REQUESTED = "password.reset_requested"  # noqa: S105 - an action
    PASSWORD_RESET = "password.reset"  # noqa: S105 - an action
    EXPORT_REQUESTED = "export.requested"
    ERASURE_REQUESTED = "erasure.requested"
    ERASURE_CANCELLED = "erasure.cancelled"
    USER_ERASED = "user.erased"
    ACCESS_TOKEN_CREATED = "access_token.created"  # noqa: S105 - an action
    ACCESS_TOKEN_REVOKED = "access_token.revoked"  # noqa: S105 - an action
    TWO_FACTOR_ON = "two_factor.on"
    TWO_FACTOR_OFF = "two_factor.off"
    TWO_FACTOR_FAILED = "two_factor.failed"
    TWO_FACTOR_LOCKED = "two_factor.locked"
    TWO_FACTOR_RESET = "two_factor.reset"
    RECOVERY_CODE_USED = "recovery_code.used"
    RECOVERY_CODES_MADE = "recovery_codes.made"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    PASSKEY_REFUSED = "passkey.refused"
    SOCIAL_LINKED = "social.linked"
    SOCIAL_UNLINKED = "social.unlinked"
    SOCIAL_REFUSED = "social.refused"
    STEP_UP_SUCCEEDED = "step_up.succeeded"
    STEP_UP_FAILED = "step_up.failed"
    TRACK_RETRIED = "track.retried"


@dataclass(frozen=True, kw_only=True)
class PersonCard:
    """What stands beside what somebody made."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None


class Ceremony(TextChoices):
    """What a WebAuthn challenge was made for; it is good for nothing else."""

    REGISTER = "register"
    SIGN_IN = "sign_in"


class PictureKind(TextChoices):
    """What people may upload to be seen by."""

    AVATAR = "avatar"
    BANNER = "banner"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """In which sizes a picture is kept, by their width, and which of them is shown usually."""

    folder: str
    sizes: Mapping[str, tuple[int, int]]
    usual: str


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
class Grant:
    """What an access token allows a program that acts for a user."""

    token_id: UUID
    user_id: UUID
    scopes: frozenset[str]
    expires_at: datetime
    last_used_at: datetime | None


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


@dataclass(frozen=True, kw_only=True)
class SocialProvider:
    """Where people may sign in besides here."""

    name: str
    label: str


@dataclass(frozen=True, kw_only=True)
class SocialBegin:
    """Where the browser goes, and what the client keeps until it comes back; shown once."""

    authorization_url: str
    state: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class SocialAnswer:
    """What the client sends when the browser has come back; `issuer` may be "" (RFC 9207)."""

    state: str
    code: str
    secret: str
    issuer: str = ""
    otp: str = ""
