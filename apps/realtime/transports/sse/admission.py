"""Who asks, and whether he may: rate limit, token, rooms. All of it before the stream opens."""

import asyncio
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

from apps.realtime import rooms
from apps.realtime.authentication import authenticate, bearer_token
from apps.realtime.errors import RoomNotFoundError
from apps.realtime.types import Viewer
from veza.kit.api.requests import resolve_client
from veza.kit.api.throttling import caller, take
from veza.kit.asgi.refusals import Headers, Scope
from veza.kit.rate_limits import Decision

_META = {b"authorization": "HTTP_AUTHORIZATION", b"x-forwarded-for": "HTTP_X_FORWARDED_FOR"}


async def spend(scope: Scope) -> Decision:
    """Take one token from the caller's bucket, the one of the REST API. May ask Redis."""
    return await asyncio.to_thread(_take, scope)


async def identify(headers: Headers) -> Viewer:
    """Raises TokenInvalidError, TokenExpiredError, and DatabaseError when PostgreSQL is away."""
    return await authenticate(bearer_token(headers))


async def check_rooms(names: Sequence[str], viewer: Viewer) -> None:
    """Raises RoomNotFoundError, the same for a room that is not there and one that is not his."""
    for name in names:
        if not await rooms.may_join(name, viewer):
            raise RoomNotFoundError


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
