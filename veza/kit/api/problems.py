"""Every failure of the HTTP interface as a problem document, whoever raised it.

`handle_exception` serves the framework's views, the handlers below serve everything else.
People in /admin/ get Django's own pages.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import csrf, defaults
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.views import set_rollback

from veza.kit.api.failures import Failure, read_database_failure, read_failure
from veza.kit.context import current_request_id
from veza.kit.errors import FieldError
from veza.kit.problems import PROBLEM_JSON, problem_bytes

logger = logging.getLogger(__name__)
SERVER_ERROR = 500
BUG = Failure(
    status=SERVER_ERROR,
    code="server_error",
    detail="Something went wrong on our side. Name the request id when you report it.",
)


def problem_response(  # noqa: PLR0913 - the members that RFC 9457 and the contract name
    request: HttpRequest | Request,
    *,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    fields: Sequence[FieldError] = (),
    **members: Any,
) -> HttpResponse:
    """A problem document about this request."""
    body = problem_bytes(
        status=status,
        code=code,
        detail=detail,
        instance=request.path,
        request_id=current_request_id(),
        fields=fields,
        **members,
    )
    return HttpResponse(body, status=status, content_type=PROBLEM_JSON, headers=headers)


def failure_response(request: HttpRequest | Request, failure: Failure) -> HttpResponse:
    """The problem document for a failure that was read already."""
    return problem_response(
        request,
        status=failure.status,
        code=failure.code,
        detail=failure.detail,
        headers=failure.headers,
        fields=failure.fields,
        **{name: value for name, value in failure.members.items() if name not in _OWN},
    )


_OWN = {"request", "status", "code", "detail", "headers", "fields"}


def handle_exception(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """The framework's EXCEPTION_HANDLER; None for bugs, so that they reach the log and Sentry."""
    failure = read_failure(exc)
    if failure is None:
        return None
    if read_database_failure(exc):
        logger.warning("database_failed", exc_info=exc)
    set_rollback()
    if isinstance(exc, UnsupportedMediaType):
        failure = _naming_types(failure, context["view"])
    return failure_response(context["request"], failure)


def _naming_types(failure: Failure, view: Any) -> Failure:
    """What the view takes instead."""
    types = ", ".join(dict.fromkeys(parser.media_type for parser in view.parser_classes))
    detail = f"{failure.detail} Use {types}."
    return replace(failure, detail=detail, headers={**failure.headers, "Accept": types})


def wants_pages(request: HttpRequest) -> bool:
    """Whether a person at a browser is to read the answer: only in the admin."""
    return f"{request.path_info}/".startswith("/admin/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler400: suspicious operations, refused hosts, malformed bodies."""
    if wants_pages(request):
        return defaults.bad_request(request, exception)
    failure = read_failure(exception)
    if failure is None or failure.status >= SERVER_ERROR:
        failure = Failure(status=400, code="bad_request", detail="The request is malformed.")
    return failure_response(request, failure)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler403."""
    if wants_pages(request):
        return defaults.permission_denied(request, exception)
    return problem_response(request, status=403, code="forbidden", detail="You may not do this.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler404: addresses that lead nowhere."""
    if wants_pages(request):
        return defaults.page_not_found(request, exception)
    return problem_response(
        request, status=404, code="not_found", detail="There is nothing at this address."
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    """handler500: bugs, and a database that failed outside of the framework's views."""
    if wants_pages(request):
        return defaults.server_error(request)
    return failure_response(request, read_database_failure(sys.exception()) or BUG)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """CSRF_FAILURE_VIEW."""
    if wants_pages(request):
        return csrf.csrf_failure(request, reason=reason)
    return problem_response(
        request, status=403, code="csrf_failed", detail="The request came from another site."
    )
