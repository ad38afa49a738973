"""The general rate limit of the API, and the headers that tell clients where they stand."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from veza.kit.api.problems import problem_response
from veza.kit.api.throttling import caller, observe, take, tightest
from veza.kit.errors import ThrottledError

_COUNTED = re.compile(r"/api/v\d+(/|$)")
_FREE = re.compile(
    r"""/api/v\d+/(
        internal/
        | tracks/[^/]+/(stream/|waveform$)
        | payments/[^/]+/webhook$
    )""",
    re.VERBOSE,
)
_UPLOAD = re.compile(r"/api/v\d+/uploads(/|$)")
_FREE_UPLOAD_METHODS = ("HEAD", "PATCH", "OPTIONS")


class RateLimitMiddleware:
    """Takes one token for each call of the API: RATE_LIMIT_PER_MINUTE per user or address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_counted(request):
            return self._get_response(request)
        with observe() as decisions:
            response = self._answer(request)
        for name, value in tightest(decisions).headers().items():
            response[name] = value
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        decision = take(scope="api", key=caller(request), per_minute=settings.RATE_LIMIT_PER_MINUTE)
        if decision.is_allowed:
            return self._get_response(request)
        return problem_response(
            request,
            status=429,
            code=ThrottledError.code,
            detail=ThrottledError.message,
            headers={"Retry-After": str(decision.retry_after_s)},
        )


def is_counted(request: HttpRequest) -> bool:
    """Whether this is a call that the contract counts: not files, callbacks, health or docs."""
    path = request.path_info.rstrip("/") if request.path_info.endswith("/") else request.path_info
    if not _COUNTED.match(path) or _FREE.match(path):
        return False
    return not (_UPLOAD.match(path) and request.method in _FREE_UPLOAD_METHODS)
