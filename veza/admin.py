"""The admin site: its look, its policy for browsers, and its throttled login."""

import math
from collections.abc import Callable
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin  # type: ignore[import-untyped]
from unfold.sites import UnfoldAdminSite  # type: ignore[import-untyped]

from veza.kit.api.requests import address_group, client_address
from veza.kit.api.throttling import spend
from veza.kit.errors import ThrottledError

# The theme writes styles into its pages, and its Alpine evaluates expressions that stand in its
# own templates: measured, no menu opens without these two words. Inline scripts stay forbidden.
ADMIN_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}


class VezaAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """Staff only; every page carries the admin's own content security policy.

    It shows what is registered with the theme's ModelAdmin: the admins that packages bring along
    (groups, periodic tasks) do not know the theme, and what they offer to change is set in code.
    """

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if admin_class is not None and issubclass(admin_class, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        guarded: Callable[..., Any] = csp(ADMIN_POLICY)(super().admin_view(view, cacheable))
        return guarded

    @method_decorator(csp(ADMIN_POLICY))
    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Django's login, as often a minute as RATE_LIMIT_LOGIN_PER_MINUTE allows."""
        if request.method == "POST":
            try:
                _spend_login(request)
            except ThrottledError as error:
                return _refuse(request, wait_s=error.retry_after_s or 60)
        answer: HttpResponseBase = super().login(request, extra_context)
        return answer


def _spend_login(request: HttpRequest) -> None:
    """One attempt of this address, and one at this account: neither may guess without end."""
    limit = settings.RATE_LIMIT_LOGIN_PER_MINUTE
    account = str(request.POST.get("username", ""))[:254].casefold()
    spend(scope="admin_login_address", key=address_group(client_address(request)), per_minute=limit)
    spend(scope="admin_login_account", key=account, per_minute=limit)


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
