"""uvicorn's server with the stop that a supervisor expects."""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import uvicorn

from veza.kit.asgi import lifecycle
from veza.kit.asgi.refusals import Receive, Scope, Send
from veza.kit.asgi.socket_protocol import MAX_FRAME_BYTES

App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNREADY_BEFORE_CLOSED_S = 0.5
KEEP_ALIVE_S = 75  # longer than the 60 s after which proxies drop an idle connection themselves
BACKLOG = 2048
DRAIN_SHARE = 0.6
"""Of the time to stop; what is left is for the closing handshakes."""


class WebServer(uvicorn.Server):
    """On the first signal: not ready, then no new connections, then the end when the requests in
    flight are answered. On the second: the end. Either way `run` returns, so the exit code is 0
    (uvicorn would raise the signal again).

    The death of the process `parent` counts as a signal, also when it came before our start.
    """

    def __init__(self, config: uvicorn.Config, *, parent: int | None = None) -> None:
        super().__init__(config)
        self._parent = parent
        self._closes_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if lifecycle.is_stopping():
            self.should_exit = self.force_exit = True
            return
        lifecycle.begin_to_stop()
        self._closes_at = time.monotonic() + UNREADY_BEFORE_CLOSED_S

    async def on_tick(self, counter: int) -> bool:
        if self._parent not in (None, os.getppid()) and not lifecycle.is_stopping():
            self.handle_exit(0, None)
        if time.monotonic() >= self._closes_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        within_s = (self.config.timeout_graceful_shutdown or 0) * DRAIN_SHARE
        draining = asyncio.create_task(lifecycle.drain(within_s))
        await super().shutdown(sockets)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        for connection in list(self.server_state.connections):  # whose clients do not end them
            connection.transport.abort()
        await asyncio.sleep(0)


def web_server(
    app: str | App,
    *,
    stop_timeout_s: int,
    access_log: bool = False,
    parent: int | None = None,
    **options: Any,
) -> WebServer:
    """A server of an ASGI application, or of the one at an import path, to be run on given sockets.

    Every part of uvicorn is named, so that what is installed beside it changes nothing. It does
    not read X-Forwarded-*: `veza.kit.api.requests` does, with the list of trusted proxies.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="veza.kit.asgi.protocols:HttpProtocol",
        ws="veza.kit.asgi.socket_protocol:WebSocketProtocol",
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        interface="asgi3",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=access_log,
        log_config=None,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=stop_timeout_s,
        **options,
    )
    return WebServer(config, parent=parent)
