"""/readyz on the event loop's side: answered also when every thread of Django is stuck."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from veza.health.readiness import readiness_answer
from veza.kit.asgi.refusals import Scope, Send, request_id_of

PATHS = frozenset({"/readyz", "/readyz/"})
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz")


def is_readiness_check(scope: Scope) -> bool:
    """True for GET and HEAD of /readyz."""
    return scope["path"] in PATHS and scope["method"] in ("GET", "HEAD")


async def send_readiness(scope: Scope, send: Send) -> None:
    """The same answer as Django's view, within a second."""
    loop = asyncio.get_running_loop()
    status, document = await loop.run_in_executor(_threads, readiness_answer)
    body = json.dumps(document, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id_of(scope["headers"]).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
