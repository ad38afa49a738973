"""The ASGI application: Django behind the bridge, and beside it what needs no Django.

WebSocket and streaming routes are mounted here, before Django.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.wsgi import get_wsgi_application

wsgi_application = get_wsgi_application()  # before anything below imports a model

from apps.datastream.api.views.hot import hot_reads, is_hot  # noqa: E402
from apps.realtime.node import node  # noqa: E402
from apps.realtime.transports.backbone import app as backbone  # noqa: E402
from apps.realtime.transports.centrifugo import app as centrifugo  # noqa: E402
from apps.realtime.transports.sse import app as sse  # noqa: E402
from apps.track.api.views import tus  # noqa: E402
from apps.track.api.views.tus_requests import is_upload_path  # noqa: E402
from veza.config import config  # noqa: E402
from veza.health.native import is_readiness_check, send_readiness  # noqa: E402
from veza.kit import collector  # noqa: E402
from veza.kit.api.hot import HotReads  # noqa: E402
from veza.kit.asgi import hot, lifecycle  # noqa: E402
from veza.kit.asgi.bridge import WSGIBridge  # noqa: E402
from veza.kit.asgi.liveness import is_liveness_check, send_alive  # noqa: E402
from veza.kit.asgi.refusals import Receive, Scope, Send  # noqa: E402
from veza.kit.asgi.websockets import refuse_unknown_path  # noqa: E402

App = Callable[[Scope, Receive, Send], Awaitable[None]]

THREADS_END_WITHIN_S = 5.0

django = WSGIBridge(
    wsgi_application,
    threads=config.web_threads,
    timeout_s=config.request_timeout_s,
    larger_bodies=settings.LARGER_BODIES,
)


_hot: HotReads | None = None


class PathRouter:
    """By the whole path, with or without a slash at its end; all others go to `default`.

    A look into a dictionary and a plain call: it stands in the way of every request, Channels'
    URLRouter tries one pattern after the other, and each coroutine on the way to an application
    lasts as long as a connection.
    """

    def __init__(self, routes: Mapping[str, App], *, default: App) -> None:
        self._default = default
        self._routes = dict(routes) | {f"{path}/": app for path, app in routes.items()}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self._routes.get(scope["path"])
        if app is None:
            return self._default(scope, receive, send)
        if scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/")}
        if node().has_started:
            return app(scope, receive, send)
        return _once_started(app, scope, receive, send)


async def _once_started(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """For servers that know no lifespan."""
    await node().start()
    await app(scope, receive, send)


async def native_or_django(scope: Scope, receive: Receive, send: Send) -> None:
    """The checks of health are answered whatever Django and its threads do, and the bodies of
    uploads are read as they come.
    """
    if is_liveness_check(scope):
        await send_alive(scope, send)
    elif is_readiness_check(scope):
        await send_readiness(scope, send)
    elif is_upload_path(scope["path"]):
        await tus.serve(scope, receive, send)
    elif _hot is not None and is_hot(scope):
        await _hot.serve(django, scope, receive, send)
    else:
        await django(scope, receive, send)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """The realtime node lives as long as the server; at the end the threads get a moment."""
    await receive()
    global _hot  # noqa: PLW0603 - one per process, on its loop
    here = node()
    await here.start()
    _hot = hot_reads()
    hot.answer_with(_hot)
    lifecycle.drain_with(lambda within_s: here.drain(within_s=within_s))
    collector.spare_what_is_loaded()
    await send({"type": "lifespan.startup.complete"})
    try:
        await receive()
    except asyncio.CancelledError:  # told twice to stop, the server skips this
        return
    lifecycle.begin_to_stop()
    hot.answer_with(None)
    await here.stop()
    await django.stop(timeout_s=THREADS_END_WITHIN_S)
    await send({"type": "lifespan.shutdown.complete"})


_by_type: Mapping[str, App] = {
    "http": PathRouter(dict.fromkeys(sse.PATHS, sse.watch), default=native_or_django),
    "websocket": PathRouter(
        dict.fromkeys(backbone.PATHS, backbone.serve)
        | dict.fromkeys(centrifugo.PATHS, centrifugo.serve),
        default=refuse_unknown_path,
    ),
    "lifespan": lifespan,
}


def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """By the type of the connection. Daphne passes `send` by name, so the names are fixed."""
    return _by_type[scope["type"]](scope, receive, send)


markcoroutinefunction(application)  # what it returns is one: servers ask
