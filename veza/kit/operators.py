"""Pages for operators: everyone sees what his permissions let him, and changes it by actions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import CHECKBOX_CLASSES  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin  # it has no types

CONFIRMED = "confirmed"
MOST_SHOWN = 50
MOST_ROWS = 500


class OperatorPage(ModelAdmin):
    """Shown to who has the permission `see`; nothing is added, changed or deleted here.

    An action names what it needs: `@admin.action(permissions=["redrive"])` has Django ask
    `has_redrive_permission(request)`.
    """

    see: ClassVar[str]
    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.has_perm(self.see))

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def done(self, request: HttpRequest, text: str) -> None:
        """Say at the top of the next page what was done."""
        self.message_user(request, text, messages.SUCCESS)

    def refused(self, request: HttpRequest, text: str) -> None:
        """Say at the top of the next page what was not done, and why."""
        self.message_user(request, text, messages.ERROR)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is about to be done: whom it concerns, each thing that will happen, and what the button
    says. `hidden` comes back with the confirmation.
    """

    title: str
    effects: Sequence[str]
    button: str
    back: str
    concerns: Sequence[str] = ()
    hidden: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A box to tick; `is_fixed` shows it without letting it be changed."""

    name: str
    about: str
    is_chosen: bool
    is_fixed: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is given and what is taken by ticking boxes."""

    given: frozenset[str]
    taken: frozenset[str]

    def hidden(self) -> list[tuple[str, str]]:
        """As a confirmation brings it back."""
        given = [("given", name) for name in sorted(self.given)]
        return given + [("taken", name) for name in sorted(self.taken)]


def chosen_change(request: HttpRequest, choices: Sequence[Choice]) -> Change:
    """What the boxes were changed to; the fixed ones stay, whatever a client sends."""
    free = [each for each in choices if not each.is_fixed]
    ticked = set(request.POST.getlist("chosen"))
    return Change(
        given=frozenset(each.name for each in free if each.name in ticked and not each.is_chosen),
        taken=frozenset(each.name for each in free if each.name not in ticked and each.is_chosen),
    )


def confirmed_change(request: HttpRequest, choices: Sequence[Choice]) -> Change:
    """What a page of `ask` showed, as it was confirmed."""
    known = {each.name for each in choices}
    return Change(
        given=frozenset(known.intersection(request.POST.getlist("given"))),
        taken=frozenset(known.intersection(request.POST.getlist("taken"))),
    )


def is_confirmed(request: HttpRequest) -> bool:
    """Whether this is the answer to a page of `ask`."""
    return request.method == "POST" and request.POST.get(CONFIRMED) == "yes"


def ask(request: HttpRequest, page: OperatorPage, plan: Plan) -> HttpResponse:
    """The page that says what will happen, and does it by a POST to the same address."""
    context = {
        **page.admin_site.each_context(request),
        "title": plan.title,
        "opts": page.opts,
        "plan": plan,
        "confirmed": CONFIRMED,
        "shown": plan.concerns[:MOST_SHOWN],
        "more": max(0, len(plan.concerns) - MOST_SHOWN),
    }
    return TemplateResponse(request, "veza/confirm.html", context)


def choose(
    request: HttpRequest, page: OperatorPage, *, title: str, choices: Sequence[Choice], back: str
) -> HttpResponse:
    """The page with boxes to tick; nothing happens before the page of `ask` that follows."""
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "opts": page.opts,
        "choices": choices,
        "checkbox": " ".join(CHECKBOX_CLASSES),
        "back": back,
    }
    return TemplateResponse(request, "veza/choose.html", context)


def ask_about_rows(
    request: HttpRequest, page: OperatorPage, rows: Iterable[Model], plan: Plan
) -> HttpResponse | None:
    """For an action over rows: the page of `ask` that names them all, None once it is confirmed,
    and back to the list where they are too many to be looked at.
    """
    chosen = list(rows[: MOST_ROWS + 1] if isinstance(rows, QuerySet) else rows)
    if len(chosen) > MOST_ROWS:
        page.refused(request, f"Choose at most {MOST_ROWS} at once.")
        return HttpResponseRedirect(request.get_full_path())
    if is_confirmed(request):
        return None
    hidden = [("action", request.POST.get("action", ""))]
    hidden += [(ACTION_CHECKBOX_NAME, str(row.pk)) for row in chosen]
    plan = replace(
        plan, concerns=[str(row) for row in chosen], hidden=hidden, back=request.get_full_path()
    )
    return ask(request, page, plan)
