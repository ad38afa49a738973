"""Counts and times every request, by method, route and status."""

import time
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from veza.kit.metrics import HTTP_REQUEST_DURATION, HTTP_REQUESTS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNRESOLVED = "unresolved"

_Sync = Callable[[HttpRequest], HttpResponseBase]
_Async = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def route_of(request: HttpRequest) -> str:
    """The template of the route, or `unresolved`; all of the admin counts as one route."""
    match = request.resolver_match
    if match is None:
        return UNRESOLVED
    if match.app_names[:1] == ["admin"]:
        return "/admin/"
    return f"/{match.route}"


def _record(request: HttpRequest, response: HttpResponseBase, started: float) -> None:
    method = request.method if request.method in METHODS else "OTHER"
    labels = (method or "OTHER", route_of(request), str(response.status_code))
    HTTP_REQUESTS.labels(*labels).inc()
    HTTP_REQUEST_DURATION.labels(*labels).observe(time.perf_counter() - started)


@sync_and_async_middleware
def metrics_middleware(get_response: _Sync | _Async) -> _Sync | _Async:
    """Works in both of Django's handlers without a hop between threads."""
    if iscoroutinefunction(get_response):

        async def count_async(request: HttpRequest) -> HttpResponseBase:
            started = time.perf_counter()
            response: HttpResponseBase = await get_response(request)
            _record(request, response, started)
            return response

        return count_async

    def count(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = cast(HttpResponseBase, get_response(request))
        _record(request, response, started)
        return response

    return count
