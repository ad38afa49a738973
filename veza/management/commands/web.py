"""`manage.py web`: everything on one port, under uvicorn."""

import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from veza.config import config
from veza.kit.asgi.listening import PortError, address, listen
from veza.kit.asgi.prefork import Prefork
from veza.kit.asgi.server import web_server


class Command(BaseCommand):
    """Serves `veza.asgi`."""

    help = (
        "Serve everything (API, admin, WebSockets, streams) on one port. SIGTERM or Ctrl-C "
        "finishes the requests in flight and ends with code 0; a second one does not wait."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=config.port, help="default: PORT (8000)")
        parser.add_argument(
            "--host", default="127.0.0.1", help="0.0.0.0 to be reached from outside"
        )
        parser.add_argument(
            "--processes", type=int, default=config.web_processes,
            help="default: WEB_PROCESSES (1); the database pool is divided by WEB_PROCESSES",
        )  # fmt: skip
        parser.add_argument("--access-log", action="store_true", help="log every request")
        parser.add_argument(
            "--listen-fd", type=int, help="serve on this inherited socket, not on a port"
        )
        parser.add_argument("--parent", type=int, help="end when this parent process has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        fd: int | None = options["listen_fd"]
        try:
            listener = (
                listen(host=options["host"], port=options["port"])
                if fd is None
                else socket.socket(fileno=fd)
            )
        except PortError as fault:
            raise CommandError(str(fault)) from None
        if fd is None:
            self.stdout.write(f"Listening on {address(listener)}")
            self.stdout.flush()
        if options["processes"] > 1 and fd is None:
            sys.exit(_serve_in_processes(listener, options))
        server = web_server(
            "veza.asgi:application",
            stop_timeout_s=stop_timeout_s(),
            access_log=options["access_log"],
            parent=options["parent"],
        )
        server.run(sockets=[listener])


def stop_timeout_s() -> int:
    """How long requests in flight may take after SIGTERM; the rest is for what ends after us."""
    return max(1, min(settings.REQUEST_TIMEOUT_S, settings.SHUTDOWN_TIMEOUT_S * 3 // 4))


def _serve_in_processes(listener: socket.socket, options: dict[str, Any]) -> int:
    manage = str(settings.BASE_DIR / "manage.py")
    inherited = ["--listen-fd", str(listener.fileno()), "--parent", str(os.getpid())]
    argv = [sys.executable, manage, "web", *inherited]
    if options["access_log"]:
        argv.append("--access-log")
    return Prefork(argv, processes=options["processes"], listener=listener).run()
