"""People, and whether they may sign in."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.auth.admin.actors import actor_of
from apps.auth.models import User
from apps.auth.services import accounts
from apps.auth.types import AuthPermission, RevokedReason
from veza.kit.operators import OperatorPage


@admin.register(User)
class UserAdmin(OperatorPage):
    """People, and whether they may sign in."""

    see = AuthPermission.READ_USERS
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

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(AuthPermission.MANAGE_USERS))

    @admin.action(description="Sign out everywhere", permissions=["manage"])
    def sign_out(self, request: HttpRequest, users: QuerySet[User]) -> None:
        count = sum(
            accounts.sign_out_everywhere(
                user_id=user.id,
                reason=RevokedReason.BY_OPERATOR,
                now=timezone.now(),
                actor=actor_of(request),
            )
            for user in users
        )
        self.message_user(request, f"{count} sessions ended.", messages.SUCCESS)

    @admin.action(description="Deactivate: sign out, and refuse to sign in", permissions=["manage"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._set_active(request, users, is_active=False)

    @admin.action(description="Activate again", permissions=["manage"])
    def activate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._set_active(request, users, is_active=True)

    def _set_active(self, request: HttpRequest, users: QuerySet[User], *, is_active: bool) -> None:
        """Nobody shuts himself out, and only an admin decides about staff."""
        done = 0
        for user in users:
            if user.pk == request.user.pk or (user.is_staff and not request.user.is_superuser):
                continue
            accounts.set_active(
                user_id=user.id, is_active=is_active, now=timezone.now(), actor=actor_of(request)
            )
            done += 1
        left = len(users) - done
        self.message_user(
            request,
            f"{done} changed." + (f" {left} left as they are: yourself, or staff." if left else ""),
            messages.WARNING if left else messages.SUCCESS,
        )
