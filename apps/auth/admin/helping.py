"""Actions on the page of one person. Each asks first, on a page that says what will happen."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action  # type: ignore[import-untyped]

from apps.auth.admin.actors import actor_of, operator_of
from apps.auth.models import User
from apps.auth.selectors import find_second_factor, find_user, list_passkeys
from apps.auth.services import accounts, staff
from apps.auth.types import STAFF_ROLES, AuthPermission, RevokedReason, RoleName
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

ROLES = {
    RoleName.LISTENER: "Listens; everybody has it",
    RoleName.CREATOR: "Uploads and sells",
    RoleName.INGESTOR: "A program that sends data into the event backbone",
    RoleName.MODERATOR: "Decides about reports",
    RoleName.OPERATOR: "Enters the admin, and does there what the role allows",
    RoleName.ADMIN: "Enters the admin, and does everything there",
}


class HelpPage(OperatorPage):
    """What staff do for, or to, one person. Services say who may."""

    actions_detail = [
        "change_roles", "reset_factors", "end_sessions", "verify_email", "cancel_erasure",
    ]  # fmt: skip

    def has_manage_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return bool(request.user.has_perm(AuthPermission.MANAGE_USERS))

    def has_grant_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return bool(request.user.has_perm(AuthPermission.GRANT_ROLES))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Those that would do something here."""
        user = _person(object_id)
        open_to = _possible(user, by=operator_of(request))
        offered = super().get_actions_detail(request, object_id)  # type: ignore[misc] # the theme's
        return [each for each in offered if each.method.original_function_name in open_to]

    @action(description="Change roles", permissions=["grant"])  # type: ignore[untyped-decorator]
    def change_roles(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user, by = _person(object_id), operator_of(request)
        choices = _role_choices(user, by=by)
        title, back = f"Roles of {user.username}", _page_of(user)
        if request.method != "POST":
            return choose(request, self, title=title, choices=choices, back=back)
        if is_confirmed(request):
            change = confirmed_change(request, choices)
            return self._try(
                request, user, "The roles are changed.",
                lambda: staff.change_roles(
                    user_id=user.id, given=_names(change.given), taken=_names(change.taken),
                    by=by, now=timezone.now(),
                ),
            )  # fmt: skip
        change = chosen_change(request, choices)
        if not change.given and not change.taken:
            self.refused(request, "No role was changed.")
            return redirect(back)
        plan = Plan(
            title=title,
            effects=_role_effects(change),
            button="Change the roles",
            back=back,
            concerns=[str(user)],
            hidden=change.hidden(),
        )
        return ask(request, self, plan)

    @action(description="Reset second factor", permissions=["manage"])  # type: ignore[untyped-decorator]
    def reset_factors(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effects = [
            "The authenticator app, the recovery codes and all passkeys are removed: make sure by"
            " another way than e-mail that it is the owner who asks.",
            "Every session ends, also in the admin. The password and linked logins stay.",
            "The owner is told by mail, and it is written into the audit log.",
        ]
        return self._step(
            request, object_id, title="Reset second factor", effects=effects,
            do=lambda user: staff.reset_factors(
                user_id=user.id, by=operator_of(request), now=timezone.now()
            ),
        )  # fmt: skip

    @action(description="End sessions", permissions=["manage"])  # type: ignore[untyped-decorator]
    def end_sessions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effects = [
            "Every session ends on every device within seconds, also in the admin.",
            "Access tokens of programs go on. Signing in again is possible at once.",
        ]
        return self._step(
            request, object_id, title="End sessions", effects=effects,
            do=lambda user: accounts.sign_out_everywhere(
                user_id=user.id, reason=RevokedReason.BY_OPERATOR, now=timezone.now(),
                actor=actor_of(request),
            ),
        )  # fmt: skip

    @action(description="Verify e-mail", permissions=["manage"])  # type: ignore[untyped-decorator]
    def verify_email(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = _person(object_id)
        effects = [
            f"You vouch that {user.email} belongs to this person: the account may then sell, be"
            " paid, and make access tokens.",
            "It is written into the audit log with your name.",
        ]
        return self._step(
            request, object_id, title="Verify e-mail", effects=effects,
            do=lambda user: staff.mark_email_verified(
                user_id=user.id, by=operator_of(request), now=timezone.now()
            ),
        )  # fmt: skip

    @action(description="Cancel erasure", permissions=["manage"])  # type: ignore[untyped-decorator]
    def cancel_erasure(self, request: HttpRequest, object_id: str) -> HttpResponse:
        effects = [
            "The account that its owner wanted to be erased stays, with everything in it.",
            "The owner is told by mail, and may ask for the erasure again.",
        ]
        return self._step(
            request, object_id, title="Cancel erasure", effects=effects,
            do=lambda user: staff.cancel_erasure(
                user_id=user.id, by=operator_of(request), now=timezone.now()
            ),
        )  # fmt: skip

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        *,
        title: str,
        effects: list[str],
        do: Callable[[User], object],
    ) -> HttpResponse:
        user = _person(object_id)
        if is_confirmed(request):
            return self._try(request, user, f"{title}: done.", lambda: do(user))
        plan = Plan(
            title=title,
            effects=effects,
            button=title,
            back=_page_of(user),
            concerns=[str(user)],
        )
        return ask(request, self, plan)

    def _try(
        self, request: HttpRequest, user: User, said: str, do: Callable[[], object]
    ) -> HttpResponse:
        try:
            do()
        except VezaError as error:
            self.refused(request, str(error))
        else:
            self.done(request, said)
        return redirect(_page_of(user))


def _person(object_id: object) -> User:
    try:
        user = find_user(UUID(str(object_id)))
    except ValueError:
        user = None
    if user is None:
        raise Http404
    return user


def _page_of(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def _possible(user: User, *, by: User) -> set[str]:
    """Which actions would do something, and not be refused."""
    if user.erased_at is not None:
        return set()
    names = {"end_sessions"}
    if user.pk == by.pk or (user.is_staff and not by.is_superuser):
        return names
    names.add("change_roles")
    if find_second_factor(user.id) or list_passkeys(user.id).exists():
        names.add("reset_factors")
    if user.email_verified_at is None:
        names.add("verify_email")
    if user.erase_at is not None:
        names.add("cancel_erasure")
    return names


def _role_choices(user: User, *, by: User) -> list[Choice]:
    fixed = frozenset() if by.is_superuser and not user.is_machine else STAFF_ROLES
    return [
        Choice(name=role, about=about, is_chosen=role in user.roles, is_fixed=role in fixed)
        for role, about in ROLES.items()
    ]


def _role_effects(change: Change) -> list[str]:
    effects = [f"Gets the role {name}: {ROLES[RoleName(name)]}." for name in sorted(change.given)]
    effects += [f"Loses the role {name}." for name in sorted(change.taken)]
    if change.taken:
        effects.append("Every session ends, also in the admin.")
    return [*effects, "The owner is told by mail, and it is written into the audit log."]


def _names(names: frozenset[str]) -> frozenset[RoleName]:
    return frozenset(map(RoleName, names))
