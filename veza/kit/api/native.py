"""What ASGI applications beside Django do as its middleware does: count callers, allow origins."""

import asyncio
import re
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from django.conf import settings
from django.http import HttpRequest

from veza.kit.api.failures import Failure
from veza.kit.api.requests import resolve_client
from veza.kit.api.throttling import caller, take
from veza.kit.asgi.refusals import Headers, Scope
from veza.kit.rate_limits import Decision
from veza.kit.together import Together

BUG = Failure(
    status=500,
    code="server_error",
    detail="Something went wrong on our side. Name the request id when you report it.",
)
PREFLIGHT_AGE_S = 24 * 3600
_META = {b"authorization": "HTTP_AUTHORIZATION", b"x-forwarded-for": "HTTP_X_FORWARDED_FOR"}


_spending: "WeakKeyDictionary[asyncio.AbstractEventLoop, Together[Scope, Decision]]" = (
    WeakKeyDictionary()
)


async def spend(scope: Scope) -> Decision:
    """Take one token from the caller's bucket, the one of the REST API. May ask Redis."""
    loop = asyncio.get_running_loop()
    spending = _spending.get(loop)
    if spending is None:
        spending = _spending[loop] = Together(_take_all)
    return await spending.ask(scope)


def cors(headers: Headers) -> Headers:
    """What a page of an allowed origin needs in order to read the answer; for others nothing."""
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(origins) != 1 or not any(
        re.match(form, origins[0]) for form in settings.CORS_ALLOWED_ORIGIN_REGEXES
    ):
        return []
    return [
        (b"access-control-allow-origin", origins[0].encode("latin-1")),
        (b"access-control-expose-headers", ", ".join(settings.CORS_EXPOSE_HEADERS).encode()),
    ]


def encoded(headers: Mapping[str, str]) -> Headers:
    """As ASGI has them."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def _take_all(scopes: list[Scope]) -> list[Decision | Exception]:
    return [_attempt(scope) for scope in scopes]


def _attempt(scope: Scope) -> Decision | Exception:
    try:
        return _take(scope)
    except Exception as fault:
        return fault


def _take(scope: Scope) -> Decision:
    return take(scope="api", key=caller(_request(scope)), per_minute=settings.RATE_LIMIT_PER_MINUTE)


def _request(scope: Scope) -> HttpRequest:
    """What `caller` looks at, without the rest of a request."""
    request = HttpRequest()
    for name, value in scope["headers"]:
        if key := _META.get(name):
            text = value.decode("latin-1")
            request.META[key] = f"{request.META[key]},{text}" if key in request.META else text
    request.META["REMOTE_ADDR"] = resolve_client(
        peer=(scope.get("client") or ("",))[0],
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        proxies=settings.TRUSTED_PROXIES,
    )
    return request
