"""Roles, and what everybody with one may do."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action  # type: ignore[import-untyped]

from apps.auth.admin.actors import operator_of
from apps.auth.models import Role
from apps.auth.selectors import count_holders, permissions_of
from apps.auth.services.roles import change_permissions
from apps.auth.types import AuthPermission, RoleName
from veza.kit.errors import VezaError
from veza.kit.operators import (
    Change,
    Choice,
    OperatorPage,
    Plan,
    ask,
    choose,
    chosen_change,
    confirmed_change,
    is_confirmed,
)
from veza.kit.permissions import declared


@admin.register(Role)
class RoleAdmin(OperatorPage):
    """Roles and their permissions, which admins change."""

    see = AuthPermission.GRANT_ROLES
    list_display = ["name", "people", "permission_names"]
    search_fields = ["name", "role_permissions__permission__name"]
    ordering = ["name"]
    actions_detail = ["change_permissions"]
    fields = ["name", "people", "permission_names"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        return Role.objects.with_holders().prefetch_related("role_permissions")

    def has_decide_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return bool(request.user.is_superuser and obj != RoleName.ADMIN)

    @admin.display(description="people")
    def people(self, role: Role) -> int:
        return role.holders

    @admin.display(description="permissions")
    def permission_names(self, role: Role) -> str:
        if role.name == RoleName.ADMIN:
            return "all, always"
        return ", ".join(sorted(each.permission_id for each in role.role_permissions.all())) or "-"

    @action(description="Change permissions", permissions=["decide"])  # type: ignore[untyped-decorator]
    def change_permissions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        role, choices = _role(object_id), _choices(object_id)
        title = f"Permissions of the role {role}"
        back = reverse("admin:accounts_role_change", args=[role])
        if request.method != "POST":
            return choose(request, self, title=title, choices=choices, back=back)
        if is_confirmed(request):
            self._change(request, role, confirmed_change(request, choices))
            return redirect(back)
        change = chosen_change(request, choices)
        if not change.given and not change.taken:
            self.refused(request, "No permission was changed.")
            return redirect(back)
        plan = Plan(
            title=title,
            effects=_effects(role, change),
            button="Change the permissions",
            back=back,
            hidden=change.hidden(),
        )
        return ask(request, self, plan)

    def _change(self, request: HttpRequest, role: RoleName, change: Change) -> None:
        try:
            change_permissions(
                role=role,
                given=change.given,
                taken=change.taken,
                by=operator_of(request),
                now=timezone.now(),
            )
        except VezaError as error:
            self.refused(request, str(error))
        else:
            self.done(request, "The permissions are changed.")


def _role(object_id: str) -> RoleName:
    try:
        return RoleName(object_id)
    except ValueError:
        raise Http404 from None


def _choices(role: str) -> list[Choice]:
    held = permissions_of(role)
    return [
        Choice(name=name, about=about, is_chosen=name in held) for name, about in declared().items()
    ]


def _effects(role: RoleName, change: Change) -> list[str]:
    people = count_holders(role)
    who = f"Everybody with the role (at present: {people})"
    known = declared()
    return [
        *(f"{who} may: {known[name]} ({name})." for name in sorted(change.given)),
        *(f"{who} may no longer: {known[name]} ({name})." for name in sorted(change.taken)),
        "It counts within seconds in every process, and is written into the audit log.",
    ]
