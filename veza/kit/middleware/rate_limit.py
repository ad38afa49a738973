"""The general rate limit of the API, and the headers that tell clients where they stand."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from veza.kit.api.counted import is_counted
from veza.kit.api.problems import problem_response
from veza.kit.api.throttling import caller, observe, take, tightest
from veza.kit.errors import ThrottledError


class RateLimitMiddleware:
    """Takes one token for each call of the API: RATE_LIMIT_PER_MINUTE per user or address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_counted(path=request.path_info, method=str(request.method)):
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
