"""Is the process alive? Answered by the loop alone, so that a full line of requests is no death."""

from veza.kit.asgi.refusals import Scope, Send, request_id_of

PATHS = frozenset({"/healthz", "/healthz/"})
ALIVE = b'{"status":"alive"}'
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(ALIVE)),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


def is_liveness_check(scope: Scope) -> bool:
    """True for GET and HEAD of /healthz."""
    return scope["path"] in PATHS and scope["method"] in ("GET", "HEAD")


async def send_alive(scope: Scope, send: Send) -> None:
    """200, touching nothing."""
    request_id = request_id_of(scope["headers"]).encode()
    headers = [*_HEADERS, (b"x-request-id", request_id)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else ALIVE
    await send({"type": "http.response.body", "body": body})
