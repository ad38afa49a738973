"""What accounts hold on a person: how it is told to him, and how it goes.

The row of the user stays, as nobody's: what he made for others still has an author without a
name. The audit log keeps that something happened, and forgets from where.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet

from apps.auth.models import (
    AccessToken,
    AuditEntry,
    DataExport,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    SecondFactor,
    Session,
    SocialAttempt,
    SocialIdentity,
    User,
    UserRole,
    UserSettings,
)
from apps.auth.selectors.personal_data import Part, Rows, register
from apps.auth.services import audit
from apps.auth.services.exports import remove_export
from apps.auth.services.pictures import let_go
from apps.auth.types import PictureKind
from veza.kit.models import IdempotencyKey

ACCOUNT = (
    "id", "username", "email", "email_verified_at", "display_name", "bio", "avatar_url",
    "banner_url", "location", "links", "created_at", "updated_at", "last_login",
)  # fmt: skip
BLANK: dict[str, Any] = {
    "display_name": "", "bio": "", "avatar_url": "", "banner_url": "", "location": "", "links": [],
    "email_verified_at": None, "last_login": None, "is_active": False, "is_staff": False,
    "is_superuser": False,
}  # fmt: skip


def register_parts() -> None:
    """At start, once."""
    for part in _PARTS:
        register(part)


def _of(kind: type[Model], *names: str) -> Callable[[UUID], Rows]:
    """These columns of the user's rows, oldest first."""
    return lambda user_id: _rows(kind, user_id).order_by("pk").values(*names).iterator()


def _gone(*kinds: type[Model]) -> Callable[[UUID], None]:
    """The user's rows are deleted."""

    def erase(user_id: UUID) -> None:
        for kind in kinds:
            _rows(kind, user_id).delete()

    return erase


def _rows(kind: type[Model], user_id: UUID) -> QuerySet[Any]:
    return kind._default_manager.filter(user_id=user_id)  # noqa: SLF001 - Django's public name


def _read_account(user_id: UUID) -> Rows:
    user = User.objects.get(pk=user_id)
    return [{name: getattr(user, name) for name in ACCOUNT} | {"roles": list(user.roles)}]


def _make_nobody(user_id: UUID) -> None:
    user = User.objects.get(pk=user_id)
    for kind in PictureKind:
        let_go(user, kind)
    for name, value in BLANK.items():
        setattr(user, name, value)
    user.username = f"erased-{user.id.hex}"
    user.email = f"{user.id}@erased.invalid"
    user.token_version += 1
    user.set_unusable_password()
    user.save()
    UserRole.objects.filter(user_id=user_id).delete()
    user.groups.clear()
    user.user_permissions.clear()


def _read_audit(user_id: UUID) -> Rows:
    entries = AuditEntry.objects.filter(user_id=user_id).order_by("at").select_related("origin")
    for entry in entries.iterator():
        origin = getattr(entry, "origin", None)
        yield {
            "at": entry.at,
            "action": entry.action,
            "ip": origin.ip if origin else None,
            "user_agent": origin.user_agent if origin else None,
            "details": entry.details,
        }


def _forget_origins(user_id: UUID) -> None:
    audit.forget_origins(user_id=user_id)


def _forget_requests(user_id: UUID) -> None:
    IdempotencyKey.objects.filter(scope=f"user:{user_id}").delete()
    LogEntry.objects.filter(object_id=str(user_id)).delete()
    LogEntry.objects.filter(user_id=user_id).delete()


def _nothing(user_id: UUID) -> Rows:
    return ()


_PARTS = (
    Part(
        name="account",
        models=("accounts.User", "accounts.UserRole"),
        read=_read_account,
        erase=_make_nobody,
    ),
    Part(
        name="settings",
        models=("accounts.UserSettings",),
        read=_of(UserSettings, "language", "timezone", "theme", "private_likes",
                 "explicit_content", "email_digest"),
        erase=_gone(UserSettings),
    ),
    Part(
        name="sessions",
        models=("accounts.Session", "accounts.RefreshToken"),
        read=_of(Session, "id", "ip", "user_agent", "created_at", "last_used_at", "revoked_at",
                 "revoked_reason"),
        erase=_gone(Session),
    ),
    Part(
        name="access_tokens",
        models=("accounts.AccessToken",),
        read=_of(AccessToken, "id", "name", "scopes", "created_at", "expires_at", "last_used_at",
                 "revoked_at"),
        erase=_gone(AccessToken),
    ),
    Part(
        name="second_factor",
        models=("accounts.SecondFactor", "accounts.RecoveryCode"),
        read=_of(SecondFactor, "created_at", "confirmed_at"),
        erase=_gone(RecoveryCode, SecondFactor),
    ),
    Part(
        name="passkeys",
        models=("accounts.Passkey", "accounts.PasskeyChallenge"),
        read=_of(Passkey, "id", "name", "created_at", "last_used_at"),
        erase=_gone(Passkey, PasskeyChallenge),
    ),
    Part(
        name="linked_logins",
        models=("accounts.SocialIdentity", "accounts.SocialAttempt"),
        read=_of(SocialIdentity, "issuer", "subject", "email", "created_at", "last_used_at"),
        erase=_gone(SocialAttempt, SocialIdentity),
    ),
    Part(
        name="security_events",
        models=("accounts.AuditEntry", "accounts.AuditOrigin"),
        read=_read_audit,
        erase=_forget_origins,
    ),
    Part(
        name="exports",
        models=("accounts.DataExport",),
        read=_of(DataExport, "created_at", "status"),
        erase=remove_export,
    ),
    Part(
        name="requests",
        models=("kit.IdempotencyKey", "admin.LogEntry"),
        read=_nothing,
        erase=_forget_requests,
    ),
)  # fmt: skip
