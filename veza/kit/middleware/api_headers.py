"""Headers that every machine-readable answer carries."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

_JSON = ("application/json", "application/problem+json")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ALWAYS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Content-Type-Options": "nosniff",
}


class ApiHeadersMiddleware:
    """Nothing of the API is framed, sniffed, or kept by a cache for somebody else.

    Answers to authenticated calls, to anything but GET, and failures are `no-store`; a view that
    sets Cache-Control itself is left alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        if response.get("Content-Type", "").partition(";")[0] in _JSON:
            for name, value in _HEADERS.items():
                response[name] = value
        if request.path_info.startswith("/api/"):
            patch_vary_headers(response, ["Authorization"])
            if _is_private(request, response):
                response.headers.setdefault("Cache-Control", "no-store")
        return response


def _is_private(request: HttpRequest, response: HttpResponseBase) -> bool:
    is_read = request.method in ("GET", "HEAD", "OPTIONS")
    is_failure = response.status_code >= 400  # noqa: PLR2004 - where failures begin in HTTP
    return not is_read or is_failure or "Authorization" in request.headers
