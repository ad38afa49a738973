"""Servers for tests: our server with any application, and the commands as real processes."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings

from tests.veza.asgi.wire import Wire, until
from veza.kit.asgi.bridge import WSGIBridge
from veza.kit.asgi.server import App, web_server


@contextmanager
def served(app: App, *, stop_timeout_s: int = 5) -> Iterator[int]:
    """The port on which `app` is served, by a thread of this process."""

    async def with_lifespan(scope, receive, send):
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = web_server(with_lifespan, stop_timeout_s=stop_timeout_s)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started)
        yield port
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def process(
    argv: Sequence[str], *, port: int, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program of ours that answers on `port`; killed at the end if it still runs."""
    environ = os.environ | {"VEZA_ENV": "embedded", "LOG_LEVEL": "ERROR"} | environment
    environ.pop("VEZA_ROLE", None)
    environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
    running = subprocess.Popen([sys.executable, *argv], cwd=settings.BASE_DIR, env=environ)
    try:
        until(lambda: running.poll() is not None or is_alive(port))
        assert running.poll() is None, "it ended at once"
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
        running.wait()


def is_alive(port: int) -> bool:
    """Whether /healthz answers."""
    try:
        with Wire(port) as wire:
            return wire.get("/healthz").status == 200
    except (OSError, EOFError):
        return False


TEXT = [("Content-Type", "text/plain")]


@contextmanager
def bridged(wsgi_app, *, threads=2, timeout_s=10, **options):
    bridge = WSGIBridge(wsgi_app, threads=threads, timeout_s=timeout_s, **options)
    with served(bridge) as port:
        yield port
