"""Operators look here. To change something they call the services that everything else calls."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.auth.models import Session, User
from apps.auth.services import accounts, sessions
from apps.auth.types import RevokedReason
from apps.events.types import Actor

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin  # it has no types


class _ForOperators(ModelAdmin):
    """Staff see everything and change nothing, except by an action."""

    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return self.has_module_permission(request)

    def has_operator_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(_ForOperators):
    """People, and whether they may sign in."""

    list_display = [
        "username",
        "email",
        "display_name",
        "role_names",
        "is_active",
        "created_at",
    ]
    list_filter = ["is_active", "is_staff", "user_roles__role"]
    search_fields = ["username", "email", "display_name"]
    ordering = ["-created_at", "-id"]
    actions = ["sign_out", "deactivate", "activate"]
    fieldsets = [
        (None, {"fields": ["id", "username", "email", "email_verified_at", "role_names"]}),
        (
            "Profile",
            {"fields": ["display_name", "bio", "location", "links", "avatar_url", "banner_url"]},
        ),
        (
            "Standing",
            {"fields": ["is_active", "is_staff", "is_superuser", "token_version"]},
        ),
        ("Times", {"fields": ["created_at", "updated_at", "last_login"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("user_roles")

    @admin.display(description="roles")
    def role_names(self, user: User) -> str:
        return ", ".join(user.roles)

    @admin.action(description="Sign out everywhere", permissions=["operator"])
    def sign_out(self, request: HttpRequest, users: QuerySet[User]) -> None:
        count = sum(
            accounts.sign_out_everywhere(
                user_id=user.id,
                reason=RevokedReason.BY_OPERATOR,
                now=timezone.now(),
                actor=_actor(request),
            )
            for user in users
        )
        self.message_user(request, f"{count} sessions ended.", messages.SUCCESS)

    @admin.action(
        description="Deactivate: sign out, and refuse to sign in", permissions=["operator"]
    )
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._set_active(request, users, is_active=False)

    @admin.action(description="Activate again", permissions=["operator"])
    def activate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._set_active(request, users, is_active=True)

    def _set_active(self, request: HttpRequest, users: QuerySet[User], *, is_active: bool) -> None:
        """Nobody shuts himself out, and only an admin decides about staff."""
        done = 0
        for user in users:
            if user.pk == request.user.pk or (user.is_staff and not request.user.is_superuser):
                continue
            accounts.set_active(
                user_id=user.id, is_active=is_active, now=timezone.now(), actor=_actor(request)
            )
            done += 1
        left = len(users) - done
        self.message_user(
            request,
            f"{done} changed." + (f" {left} left as they are: yourself, or staff." if left else ""),
            messages.WARNING if left else messages.SUCCESS,
        )


@admin.register(Session)
class SessionAdmin(_ForOperators):
    """Who is signed in where."""

    list_display = ["user", "user_agent", "ip", "created_at", "last_used_at", "state"]
    list_filter = ["revoked_reason"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "ip"]
    ordering = ["-last_used_at", "-id"]
    actions = ["revoke"]

    @admin.display(description="state")
    def state(self, session: Session) -> str:
        return _state(session, now=timezone.now())

    @admin.action(description="End these sessions", permissions=["operator"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        for session in chosen:
            sessions.revoke_session(
                session_id=session.id,
                reason=RevokedReason.BY_OPERATOR,
                now=timezone.now(),
                actor=_actor(request),
            )
        self.message_user(request, f"{len(chosen)} sessions ended.", messages.SUCCESS)


def _state(session: Session, *, now: datetime) -> str:
    if session.revoked_at is not None:
        return session.get_revoked_reason_display()
    return "live" if session.expires_at > now else "expired"


def _actor(request: HttpRequest) -> Actor:
    return Actor(type="user", id=str(request.user.pk))
