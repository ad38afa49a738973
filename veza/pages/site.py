"""The pages for people: the landing page and the documentation of the API.

They load nothing from another host, and no script or style stands inside the HTML, so each has
a content security policy without `unsafe-inline` for scripts.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from veza.pages import asyncapi

API_ROOT = "/api/v1/"
CACHE_FOR_S = 300
REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
ROBOTS = "User-agent: *\nAllow: /$\nDisallow: /\n"

PAGE_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
# Redoc writes its styles into the page, and searches in a worker that it makes from a blob.
REDOC_POLICY = PAGE_POLICY | {"style-src": [SELF, UNSAFE_INLINE], "worker-src": ["blob:"]}

LINKS = (
    ("home", "Client", "Listen, upload, and build playlists together."),
    ("docs", "API documentation", "Read every call, and try it in the browser."),
    ("redoc", "API reference", "The same calls on one page, for reading."),
    ("schema", "OpenAPI schema", "For client generators and other tools."),
    ("admin:index", "Administration", "Accounts and operations, for staff."),
    ("dev-mail", "Mail", "What was written to people, on a developer's machine."),
    ("readyz", "Health", "Whether this server is ready, and what it depends on."),
)


@method_decorator(csp(PAGE_POLICY), name="dispatch")
class LandingView(TemplateView):
    """`/about`: where everything else is; the same as JSON for who asks for that, at `/` too."""

    template_name = "veza/landing.html"
    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        links = [
            {"title": title, "href": reverse(name), "about": about}
            for name, title, about in LINKS
            if name not in _absent()
        ]
        document = {"version": settings.VERSION, "api": API_ROOT, "links": links}
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return JsonResponse(document, headers={"Vary": "Accept"})
        return self.render_to_response(document, headers={"Vary": "Accept"})


def _absent() -> set[str]:
    """Links that lead nowhere on this installation."""
    here = {"home": bool(settings.WEB_CLIENT), "dev-mail": settings.SHOWS_MAIL}
    return {name for name, is_here in here.items() if not is_here}


@method_decorator(csp(PAGE_POLICY), name="dispatch")
class SwaggerView(TemplateView):
    """`/api/docs`: Swagger UI from the sidecar package."""

    template_name = "veza/swagger.html"
    http_method_names = ["get", "head", "options"]


@method_decorator(csp(REDOC_POLICY), name="dispatch")
class RedocView(TemplateView):
    """`/api/redoc`: Redoc from the sidecar package."""

    template_name = "veza/redoc.html"
    http_method_names = ["get", "head", "options"]


@require_safe
def redoc_bundle(request: HttpRequest) -> HttpResponse:
    """Redoc's script, without the logo that it would fetch from its maker's host."""
    return HttpResponse(
        _redoc_without_logo(),
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": f"public, max-age={CACHE_FOR_S}"},
    )


@cache
def _redoc_without_logo() -> bytes:
    path = finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    return Path(str(path)).read_bytes().replace(REDOC_LOGO, b"data:,")


class FormatNegotiation(DefaultContentNegotiation):
    """By Accept, or by `?format=json` and `?format=yaml` for whoever cannot set a header."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        chosen = format_suffix or request.query_params.get("format")
        return super().select_renderer(request, renderers, chosen)


class SchemaView(SpectacularAPIView):
    """`/api/schema`: OpenAPI 3.1 as YAML or JSON, made once in the life of the process."""

    content_negotiation_class = FormatNegotiation

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        renderer = request.accepted_renderer
        return HttpResponse(
            _rendered_schema(renderer.format),
            content_type=f"{renderer.media_type}; charset=utf-8",
            headers={"Cache-Control": f"public, max-age={CACHE_FOR_S}", "Vary": "Accept"},
        )


@cache
def _rendered_schema(kind: str) -> bytes:
    """As `yaml` or `json`."""
    return render_schema(OpenApiJsonRenderer() if "json" in kind else OpenApiYamlRenderer())


def render_schema(renderer: BaseRenderer) -> bytes:
    """The schema of all that is public, made anew."""
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    text = renderer.render(schema, renderer_context={})
    return text if isinstance(text, bytes) else str(text).encode()


@require_safe
def asyncapi_document(request: HttpRequest) -> HttpResponse:
    """Every room and message as AsyncAPI 3.0, made once in the life of the process."""
    return HttpResponse(
        _rendered_asyncapi(),
        content_type="application/json",
        headers={"Cache-Control": f"public, max-age={CACHE_FOR_S}"},
    )


@cache
def _rendered_asyncapi() -> str:
    return json.dumps(asyncapi.document())


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may keep the landing page, and nothing else."""
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that look for it where they always did."""
    return redirect(static("veza/icon.svg"))


@require_safe
def to_admin(request: HttpRequest) -> HttpResponse:
    """`/admin` without its slash."""
    return redirect("admin:index")
