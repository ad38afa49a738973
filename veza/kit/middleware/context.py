"""One id and one client address for everything that a request causes."""

import re
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from veza.kit.api.requests import FORWARDED_KEY, client_of, is_trusted, resolve_client
from veza.kit.context import bind_client, bind_request_id
from veza.kit.models import new_id

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[\x20-\x7e]{1,64}")
_FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)


class RequestContextMiddleware:
    """Names the request, and settles who sent it; stands first.

    The id is the client's `X-Request-ID` if that is 1 to 64 printable ASCII characters, else a
    new one. What proxies claim is believed from TRUSTED_PROXIES alone: from then on REMOTE_ADDR
    is the client, and claims of anybody else are gone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        is_trusted("", proxies=settings.TRUSTED_PROXIES)  # a network that is none fails the start

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = _request_id(request)
        request.META["HTTP_X_REQUEST_ID"] = request_id
        _settle_client(request)
        with (
            bind_request_id(request_id),
            bind_client(client_of(request)),
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            response = self._get_response(request)
        response[HEADER] = request_id
        return response


def _request_id(request: HttpRequest) -> str:
    offered = str(request.META.get("HTTP_X_REQUEST_ID", ""))
    return offered if _ACCEPTED.fullmatch(offered) and offered.strip() else str(new_id())


def _settle_client(request: HttpRequest) -> None:
    meta = request.META
    proxies = settings.TRUSTED_PROXIES
    peer = str(meta.get("REMOTE_ADDR") or "")
    if any(name in meta for name in _FORWARDED):
        meta[FORWARDED_KEY] = "1"
    if is_trusted(peer, proxies=proxies):
        claim = str(meta.get("HTTP_X_FORWARDED_FOR", ""))
        meta["REMOTE_ADDR"] = resolve_client(peer=peer, forwarded_for=claim, proxies=proxies)
        meta.pop("HTTP_X_FORWARDED_HOST", None)
    else:
        for name in _FORWARDED:
            meta.pop(name, None)
