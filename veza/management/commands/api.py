"""`manage.py api`: Django alone, under granian."""

import os
import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from veza.config import config
from veza.embedded.launch import end_with_parent
from veza.kit.asgi.listening import PortError, listen
from veza.kit.asgi.protocols import HEAD_TIMEOUT_S, MAX_HEAD_BYTES
from veza.kit.asgi.server import BACKLOG
from veza.management.commands.web import stop_timeout_s


class Command(BaseCommand):
    """Serves `veza.wsgi`."""

    help = (
        "Serve the API and the admin, without WebSockets and streams, to a proxy in front. "
        "SIGTERM or Ctrl-C finishes the requests in flight and ends with code 0; a second one "
        "does not wait."
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

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            listen(host=options["host"], port=options["port"]).close()
        except PortError as fault:
            raise CommandError(str(fault)) from None
        server = _server(options)
        server.on_startup(lambda: _hurry_on_second_signal(server))
        self.stdout.write(f"Listening on http://{options['host']}:{options['port']}")
        self.stdout.flush()
        server.serve(target_loader=load_in_worker)


def load_in_worker(target: str) -> Any:
    """The application, in a process that ends when the one that minds it does."""
    end_with_parent(signal.SIGTERM)
    return import_string(target)


def _server(options: dict[str, Any]) -> MPServer:
    return MPServer(
        "veza.wsgi.application",
        address=options["host"],
        port=options["port"],
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(HEAD_TIMEOUT_S * 1000), max_buffer_size=MAX_HEAD_BYTES
        ),
        websockets=False,
        workers=options["processes"],
        blocking_threads=config.web_threads,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=stop_timeout_s(),
        log_level=LogLevels.warning,
        log_access=options["access_log"],
    )


def _hurry_on_second_signal(server: MPServer) -> None:
    """granian has set its handlers by now. They do not count signals, and a worker that is told
    to stop before it has its own would miss it.
    """
    minder = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != minder:
            os._exit(0)
        if server.interrupt_signal:
            for worker in server.wrks:
                worker.kill()  # type: ignore[no-untyped-call]
        server.signal_handler_interrupt()  # type: ignore[no-untyped-call]

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
