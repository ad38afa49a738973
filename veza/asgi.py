"""The ASGI application: Django behind the bridge, and beside it what needs no Django.

WebSocket and streaming routes are mounted here, before Django.
"""

import asyncio

from django.core.wsgi import get_wsgi_application

wsgi_application = get_wsgi_application()  # before anything below imports a model

from veza.config import config  # noqa: E402
from veza.health.native import is_readiness_check, send_readiness  # noqa: E402
from veza.kit.asgi import lifecycle  # noqa: E402
from veza.kit.asgi.bridge import WSGIBridge  # noqa: E402
from veza.kit.asgi.liveness import is_liveness_check, send_alive  # noqa: E402
from veza.kit.asgi.refusals import Receive, Scope, Send  # noqa: E402
from veza.kit.asgi.websockets import refuse_unknown_path  # noqa: E402

THREADS_END_WITHIN_S = 5.0

django = WSGIBridge(
    wsgi_application, threads=config.web_threads, timeout_s=config.request_timeout_s
)


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    """The checks of health are answered whatever Django and its threads do."""
    if is_liveness_check(scope):
        await send_alive(scope, send)
    elif is_readiness_check(scope):
        await send_readiness(scope, send)
    else:
        await django(scope, receive, send)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing to start; at the end the threads get a moment to finish."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    try:
        await receive()
    except asyncio.CancelledError:  # told twice to stop, the server skips this
        return
    lifecycle.begin_to_stop()
    await django.stop(timeout_s=THREADS_END_WITHIN_S)
    await send({"type": "lifespan.shutdown.complete"})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """By the type of the connection. Daphne passes `send` by name, so the names are fixed."""
    await _BY_TYPE[scope["type"]](scope, receive, send)


_BY_TYPE = {"http": http, "websocket": refuse_unknown_path, "lifespan": lifespan}
