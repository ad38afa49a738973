"""Tokens by which programs act for people."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.auth.admin.actors import actor_of
from apps.auth.errors import AccessTokenNotFoundError
from apps.auth.models import AccessToken
from apps.auth.services.access_tokens import revoke_token
from apps.auth.types import AuthPermission, Scope
from veza.kit.operators import OperatorPage, Plan, ask_about_rows

STATES = (("live", "Live"), ("expired", "Expired"), ("revoked", "Revoked"))


class StateFilter(admin.SimpleListFilter):
    """Whether a token works."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return STATES

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        unrevoked, now = queryset.filter(revoked_at__isnull=True), timezone.now()
        match self.value():
            case "live":
                return unrevoked.filter(expires_at__gt=now)
            case "expired":
                return unrevoked.filter(expires_at__lte=now)
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
        return queryset


class ScopeFilter(admin.SimpleListFilter):
    """What a token may do at most."""

    title = "scope"
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(scope, scope) for scope in Scope.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(scopes__contains=[self.value()]) if self.value() else queryset


@admin.register(AccessToken)
class AccessTokenAdmin(OperatorPage):
    """Tokens of programs; nothing that is kept of one can be used as one."""

    see = AuthPermission.READ_USERS
    list_display = [
        "name", "user", "scope_names", "created_at", "expires_at", "last_used_at", "state",
    ]  # fmt: skip
    list_filter = [StateFilter, ScopeFilter, "user__is_machine"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "user__email"]
    ordering = ["-created_at", "-id"]
    actions = ["revoke"]
    readonly_fields = ["scope_names"]
    fields = ["id", "name", "user", "scope_names", "created_at", "expires_at", "last_used_at",
              "revoked_at"]  # fmt: skip

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(AuthPermission.MANAGE_USERS))

    @admin.display(description="scopes")
    def scope_names(self, token: AccessToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description="state")
    def state(self, token: AccessToken) -> str:
        return _state(token, now=timezone.now())

    @admin.action(description="Revoke", permissions=["manage"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[AccessToken]) -> HttpResponse | None:
        effects = [
            "Programs that use these tokens are refused within seconds, and what they have open"
            " is closed.",
            "It cannot be undone: their owners have to make new ones.",
        ]
        plan = Plan(title="Revoke access tokens", effects=effects, button="Revoke", back="")
        if page := ask_about_rows(request, self, tokens, plan):
            return page
        done = sum(_revoke(request, token) for token in tokens)
        self.done(request, f"{done} access tokens revoked.")
        return None


def _revoke(request: HttpRequest, token: AccessToken) -> bool:
    try:
        revoke_token(
            user_id=token.user_id,
            token_id=token.id,
            now=timezone.now(),
            actor=actor_of(request),
        )
    except AccessTokenNotFoundError:  # it was revoked before
        return False
    return True


def _state(token: AccessToken, *, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.expires_at > now else "expired"
