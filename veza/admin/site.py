"""The admin site: its look, its policy for browsers, and its throttled login."""

import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin  # type: ignore[import-untyped]
from unfold.sites import UnfoldAdminSite  # type: ignore[import-untyped]

from apps.auth.errors import OtpInvalidError, TwoFactorOffError, TwoFactorOnError
from apps.auth.models import User
from apps.auth.selectors import find_user_by_login
from apps.auth.services import audit, limits
from apps.auth.services.second_factor import begin_setup, confirm_setup
from apps.auth.types import AuditAction
from apps.events.types import Actor
from veza.admin import second_factor
from veza.kit.api.requests import client_of
from veza.kit.errors import ThrottledError

# The theme writes styles into its pages, and its Alpine evaluates expressions that stand in its
# own templates: measured, no menu opens without these two words. Inline scripts stay forbidden.
ADMIN_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "media-src": [SELF, "blob:"],  # the player of tracks feeds the browser by hand
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}


SETUP = "admin:second_factor"


class VezaAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """Staff only; every page carries the admin's own content security policy.

    It shows what is registered with the theme's ModelAdmin: the admins that packages bring along
    (groups, periodic tasks) do not know the theme, and what they offer to change is set in code.
    """

    login_form = second_factor.SignInForm
    login_template = "veza/login.html"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if admin_class is not None and issubclass(admin_class, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor.has_shown_factor(request)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Who has yet to set up a second factor is led there, and can do nothing but leave."""
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
            if second_factor.must_set_up(request):
                if request.path == reverse("admin:logout"):
                    return cast(HttpResponseBase, self.logout(request))
                return redirect(SETUP)
            return cast(HttpResponseBase, inner(request, *args, **options))

        return cast(Callable[..., Any], csp(ADMIN_POLICY)(guarded))

    def extra_urls(self) -> list[URLPattern]:
        return [path("second-factor/", self.second_factor, name="second_factor")]

    @method_decorator(csp(ADMIN_POLICY))
    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Django's login with a second factor, as often as the API's limits allow."""
        if request.method != "POST":
            return cast(HttpResponseBase, super().login(request, extra_context))
        login = str(request.POST.get("username", ""))[:255]
        try:
            limits.spend_login(login=login, address=client_of(request).address)
        except ThrottledError as error:
            return _refuse(request, wait_s=error.retry_after_s or 60)
        answer = cast(HttpResponseBase, super().login(request, extra_context))
        is_in = answer.status_code == HTTPStatus.FOUND and request.user.is_authenticated
        if is_in:
            second_factor.mark_signed_in(request)
        _record_login(request, login=login, is_in=is_in)
        return answer

    @method_decorator(csp(ADMIN_POLICY))
    @method_decorator(never_cache)
    def second_factor(self, request: HttpRequest) -> HttpResponseBase:
        """Set up a second factor: QR code, first code, recovery codes."""
        if not super().has_permission(request) or not second_factor.signed_in_lately(request):
            logout(request)
            return redirect_to_login(request.path, reverse("admin:login"))
        user = cast(User, request.user)
        try:
            if request.method == "POST":
                return self._confirm(request, user)
            setup = begin_setup(user=user)
        except TwoFactorOnError:
            return redirect("admin:index")
        about = {"secret": setup.secret, "picture": second_factor.picture(setup)}
        return self._setup_page(request, form=second_factor.ConfirmForm(), **about)

    def _confirm(self, request: HttpRequest, user: User) -> HttpResponseBase:
        form = second_factor.ConfirmForm(request.POST)
        if not form.is_valid():
            return self._setup_page(request, form=form)
        try:
            limits.spend_proof(user_id=user.id)
            codes = confirm_setup(
                user=user, code=form.cleaned_data["code"], session_id=None, now=timezone.now()
            )
        except (OtpInvalidError, TwoFactorOffError, ThrottledError) as error:
            form.add_error("code", str(error))
            return self._setup_page(request, form=form)
        second_factor.mark_factor(request)
        return self._setup_page(request, codes=codes)

    def _setup_page(self, request: HttpRequest, **about: Any) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": "Second factor",
            "index_url": reverse("admin:index"),
            **about,
        }
        return TemplateResponse(request, "veza/second_factor.html", context)


def _record_login(request: HttpRequest, *, login: str, is_in: bool) -> None:
    user = cast(User, request.user) if is_in else find_user_by_login(login)
    audit.record(
        AuditAction.LOGIN_SUCCEEDED if is_in else AuditAction.LOGIN_FAILED,
        user_id=user.id if user else None,
        actor=Actor(type="user", id=user.id) if user and is_in else None,
        site="admin",
    )


def _refuse(request: HttpRequest, *, wait_s: float) -> HttpResponse:
    wait = math.ceil(wait_s)
    return TemplateResponse(
        request,
        "veza/login_throttled.html",
        {"wait_s": wait},
        status=429,
        headers={"Retry-After": str(wait)},
    )


def environment(request: HttpRequest) -> tuple[str, str]:
    """The label at the top of every page: which installation this is."""
    if settings.VEZA_ENV == "production":
        return "Production", "danger"
    return "Embedded", "info"
