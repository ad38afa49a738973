"""People, and whether they may sign in."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.auth.admin.actors import actor_of
from apps.auth.admin.helping import HelpPage
from apps.auth.models import User
from apps.auth.selectors import find_second_factor, list_passkeys
from apps.auth.services import accounts
from apps.auth.types import AuthPermission, RevokedReason
from veza.kit.errors import VezaError
from veza.kit.operators import Plan, ask_about_rows


@admin.register(User)
class UserAdmin(HelpPage):
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
    list_filter = ["is_active", "is_staff", "is_machine", "user_roles__role"]
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
            {"fields": ["is_active", "is_staff", "is_superuser", "is_machine", "token_version"]},
        ),
        ("Ways in", {"fields": ["second_factor_state", "passkeys"]}),
        (
            "Times",
            {"fields": ["created_at", "updated_at", "last_login", "erase_at", "erased_at"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("user_roles")

    @admin.display(description="roles")
    def role_names(self, user: User) -> str:
        return ", ".join(user.roles)

    @admin.display(description="second factor")
    def second_factor_state(self, user: User) -> str:
        factor = find_second_factor(user.id)
        return f"on since {factor.confirmed_at:%Y-%m-%d}" if factor else "off"

    @admin.display(description="passkeys")
    def passkeys(self, user: User) -> int:
        return list_passkeys(user.id).count()

    @admin.action(description="Sign out everywhere", permissions=["manage"])
    def sign_out(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        effects = [
            "Every session of these people ends within seconds, also in the admin.",
            "Access tokens of programs go on. Signing in again is possible at once.",
        ]
        plan = Plan(title="Sign out everywhere", effects=effects, button="Sign out", back="")
        if page := ask_about_rows(request, self, users, plan):
            return page
        count = sum(
            accounts.sign_out_everywhere(
                user_id=user.id,
                reason=RevokedReason.BY_OPERATOR,
                now=timezone.now(),
                actor=actor_of(request),
            )
            for user in users
        )
        self.done(request, f"{count} sessions ended.")
        return None

    @admin.action(description="Deactivate: sign out, and refuse to sign in", permissions=["manage"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        effects = [
            "Every session ends, and access tokens of programs stop working, within seconds.",
            "Nobody can sign in to these accounts until they are activated again.",
        ]
        plan = Plan(title="Deactivate", effects=effects, button="Deactivate", back="")
        if page := ask_about_rows(request, self, users, plan):
            return page
        self._set_active(request, users, is_active=False)
        return None

    @admin.action(description="Activate again", permissions=["manage"])
    def activate(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        effects = ["These people can sign in again, and their access tokens work again."]
        plan = Plan(title="Activate again", effects=effects, button="Activate", back="")
        if page := ask_about_rows(request, self, users, plan):
            return page
        self._set_active(request, users, is_active=True)
        return None

    def _set_active(self, request: HttpRequest, users: QuerySet[User], *, is_active: bool) -> None:
        """Nobody shuts himself out, and only an admin decides about staff."""
        done, refused = 0, ""
        for user in users:
            if user.pk == request.user.pk or (user.is_staff and not request.user.is_superuser):
                refused = "yourself, or staff."
                continue
            try:
                accounts.set_active(
                    user_id=user.id,
                    is_active=is_active,
                    now=timezone.now(),
                    actor=actor_of(request),
                )
            except VezaError as error:
                refused = str(error)
            else:
                done += 1
        left = len(users) - done
        self.message_user(
            request,
            f"{done} changed." + (f" {left} left as they are: {refused}" if left else ""),
            messages.WARNING if left else messages.SUCCESS,
        )
