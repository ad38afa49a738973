"""Requests that no view should ever see, and views' refusals that are not yet documents."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from veza.kit.api.failures import Failure, read_failure
from veza.kit.api.problems import failure_response, wants_pages
from veza.kit.middleware.bytes_of_request import (
    find_fault_of_headers,
    find_fault_of_path,
    find_fault_of_query,
)

API = "/api/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class GuardMiddleware:
    """Refuses what is malformed, and lets /api/ answer with and without the last slash.

    Refused: NUL bytes and invalid UTF-8 in the address, control characters in headers, headers
    of more than 32 KiB, methods that a view does not have (before it asks who is calling).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        failure = _refusal(request)
        if failure:
            return failure_response(request, failure)
        if request.path_info.startswith(API):
            request.path_info = request.path_info.rstrip("/")
            request.path = request.path.rstrip("/")
        response = self._get_response(request)
        if _is_bare_refusal(response) and not wants_pages(request):
            return _documented(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_: object
    ) -> HttpResponse | None:
        """405 comes before 401: what does not exist needs no credentials."""
        allowed = _methods_of(view)
        if allowed is None or str(request.method) in allowed:
            return None
        return failure_response(request, _not_allowed(allowed))

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Expected failures of views that are not the framework's."""
        failure = None if wants_pages(request) else read_failure(exc)
        return failure_response(request, failure) if failure else None


def _refusal(request: HttpRequest) -> Failure | None:
    too_long = find_fault_of_headers(request)
    if too_long:
        return too_long
    detail = find_fault_of_path(request) or find_fault_of_query(request)
    if detail:
        return Failure(status=400, code="bad_request", detail=detail)
    return None if request.method in METHODS else _not_allowed(METHODS)


def _methods_of(view: Callable[..., Any]) -> tuple[str, ...] | None:
    """The methods of a class-based view; None for a plain function, which decides itself."""
    actions: dict[str, str] | None = getattr(view, "actions", None)
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is None:
        return None
    names = {name for name in cls.http_method_names if actions is None and hasattr(cls, name)}
    names |= set(actions or ()) | {"options"}
    if "get" in names:
        names.add("head")
    return tuple(name for name in METHODS if name.lower() in names)


def _not_allowed(allowed: tuple[str, ...]) -> Failure:
    return Failure(
        status=405,
        code="method_not_allowed",
        detail=f"This address takes {', '.join(allowed)} only.",
        headers={"Allow": ", ".join(allowed)},
    )


def _is_bare_refusal(response: HttpResponseBase) -> bool:
    """A failure that some part of Django answered with a page, a line of text, or nothing."""
    kind = response.get("Content-Type", "").partition(";")[0]
    return (
        response.status_code >= 400  # noqa: PLR2004 - where failures begin in HTTP
        and not response.streaming
        and kind in ("", "text/html", "text/plain")
    )


_NAMES = {
    400: ("bad_request", "The request is malformed."),
    401: ("not_authenticated", "Authentication is needed."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
}


def _documented(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    status = response.status_code
    code, detail = _NAMES.get(status, ("error", "The request failed."))
    document = failure_response(request, Failure(status=status, code=code, detail=detail))
    for name, value in response.items():
        if name.lower() not in ("content-type", "content-length"):
            document[name] = value
    return document
