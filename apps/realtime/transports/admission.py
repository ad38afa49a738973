"""Whether a connection opens, asked the same way on every transport.

All of it comes before a stream or a socket opens: a server that stops, pages of foreign origins,
the rate limit, the token in the header, rooms.
"""

import re
from collections.abc import Sequence

from django.db import DatabaseError

from apps.realtime import origins, rooms
from apps.realtime.authentication import authenticate
from apps.realtime.errors import RoomNotFoundError, TokenExpiredError, TokenInvalidError
from apps.realtime.limits import End
from apps.realtime.node import Node
from apps.realtime.types import ANONYMOUS, Viewer
from veza.kit.api.native import spend
from veza.kit.asgi.refusals import Headers, RefusalError, Scope, Send, request_id_of, stopping

_BEARER = re.compile(r"Bearer +([^\s,]+) *", re.IGNORECASE)


async def admit_socket(scope: Scope, here: Node) -> None:
    """Raises RefusalError: a server that stops, a foreign page, too many requests."""
    if here.is_draining:
        raise stopping()
    if not origins.is_allowed(scope["headers"]):
        raise RefusalError(
            status=403, code="origin_not_allowed", detail="Pages of this origin may not connect."
        )
    decision = await spend(scope)
    if not decision.is_allowed:
        raise RefusalError(
            status=429,
            code="rate_limited",
            detail="Too many requests.",
            retry_after_s=decision.retry_after_s,
        )


async def refuse_socket(refusal: RefusalError, *, scope: Scope, send: Send) -> None:
    """As a problem document, or as a refused handshake where the server cannot send one."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4000 + refusal.status})
        return
    request_id = request_id_of(scope["headers"])
    body = refusal.body(path=scope["path"], request_id=request_id)
    headers = refusal.headers(body=body, request_id=request_id)
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})


async def identify(headers: Headers) -> Viewer:
    """Who the header says it is; nobody in particular without one.

    Raises TokenInvalidError, TokenExpiredError, and DatabaseError when PostgreSQL is away.
    """
    return await authenticate(bearer_token(headers))


async def identify_socket(scope: Scope) -> tuple[Viewer, End | None]:
    """The same where a wrong token is told by a close code, once the connection is open."""
    try:
        return await identify(scope["headers"]), None
    except TokenInvalidError:
        return ANONYMOUS, End.INVALID_TOKEN
    except TokenExpiredError:
        return ANONYMOUS, End.OUTDATED_TOKEN
    except DatabaseError:
        return ANONYMOUS, End.INTERNAL


async def check_rooms(names: Sequence[str], viewer: Viewer) -> None:
    """Raises RoomNotFoundError, the same for a room that is not there and one that is not his."""
    for name in names:
        if not await rooms.may_join(name, viewer):
            raise RoomNotFoundError


def bearer_token(headers: Headers) -> str:
    """The token of `Authorization: Bearer`, "" without the header or under another scheme.

    As the REST API reads it: raises TokenInvalidError for the scheme without a token, and for
    several headers, which are joined by a comma (RFC 9110 5.3) and so are no token.
    """
    found = [value.decode("latin-1").strip() for name, value in headers if name == b"authorization"]
    header = ",".join(found)
    scheme, _, _ = header.partition(" ")
    if scheme.lower() != "bearer":
        return ""
    match = _BEARER.fullmatch(header)
    if match is None:
        raise TokenInvalidError
    return match[1]
