"""The process `webtransport`: a realtime node as in every web process, and a QUIC server on it."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.realtime.node import node
from apps.realtime.transports.webtransport.app import serve
from veza.kit import collector
from veza.kit.asgi import lifecycle
from veza.kit.webtransport import address
from veza.kit.webtransport.certificates import Certificates, GivenCertificate, OwnCertificates
from veza.kit.webtransport.server import listen

DRAIN_SHARE = 0.5
"""Of the time to stop."""
FAREWELL_S = 0.5
"""For the last words to leave."""


def certificates() -> Certificates:
    """Those that settings name, else our own."""
    given, key = settings.WEBTRANSPORT_CERTIFICATE, settings.WEBTRANSPORT_PRIVATE_KEY
    if given and key:
        return GivenCertificate(given, key)
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    names = [host, "localhost", "127.0.0.1", "::1"]
    return OwnCertificates(settings.WEBTRANSPORT_FOLDER, names=names)


async def run(listener: socket.socket, *, on_ready: Callable[[int], None]) -> None:
    """Serve on a bound UDP socket until SIGTERM or Ctrl-C; a second one does not wait.

    Raises CertificateError.
    """
    logging.getLogger("quic").setLevel(logging.WARNING)  # it tells of every connection
    port: int = listener.getsockname()[1]
    stop = _stop_on_signals()
    here = node()
    here.census.role = "webtransport"
    await here.start()
    server, keeping = await listen(listener, certificates=certificates(), serve=serve)
    address.tell(
        settings.WEBTRANSPORT_FOLDER, port=port, is_own=not settings.WEBTRANSPORT_CERTIFICATE
    )
    collector.spare_what_is_loaded()
    on_ready(port)
    try:
        await stop.acquire()
        lifecycle.begin_to_stop()
        address.withdraw(settings.WEBTRANSPORT_FOLDER)
        await _first(stop.acquire(), here.drain(within_s=settings.SHUTDOWN_TIMEOUT_S * DRAIN_SHARE))
        await asyncio.sleep(FAREWELL_S)
    finally:
        address.withdraw(settings.WEBTRANSPORT_FOLDER)
        keeping.cancel()
        server.close()
        await here.stop()


def _stop_on_signals() -> asyncio.Semaphore:
    """Can be acquired once for each signal."""
    told = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.release)
    return told


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Until one of them is done; the others are given up."""
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
