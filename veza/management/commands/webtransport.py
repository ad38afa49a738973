"""`manage.py webtransport`: the rooms of realtime over HTTP/3."""

import asyncio
from argparse import ArgumentParser
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.realtime.transports.webtransport.process import run
from veza.kit.asgi.listening import PortError
from veza.kit.webtransport.certificates import CertificateError
from veza.kit.webtransport.server import udp_socket


class Command(BaseCommand):
    """Runs one server until SIGTERM or Ctrl-C."""

    help = (
        "Serve WebTransport on a UDP port: the rooms of the WebSockets, with the same rights. "
        "Embedded it makes its certificates and renews them; in production it takes those of "
        "WEBTRANSPORT_CERTIFICATE. SIGTERM or Ctrl-C ends the sessions and ends with code 0; a "
        "second one does not wait."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=settings.WEBTRANSPORT_PORT,
            help="UDP; default: WEBTRANSPORT_PORT (4433)",
        )  # fmt: skip
        parser.add_argument(
            "--host", default="127.0.0.1", help="0.0.0.0 to be reached from outside"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.VEZA_ENV == "production" and not settings.WEBTRANSPORT_CERTIFICATE:
            raise CommandError(
                "Production needs a certificate that browsers trust: set WEBTRANSPORT_CERTIFICATE "
                "and WEBTRANSPORT_PRIVATE_KEY."
            )
        try:
            listener = udp_socket(host=options["host"], port=options["port"])
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(run(listener, on_ready=self._tell))
        except (PortError, CertificateError) as fault:
            raise CommandError(str(fault)) from None

    def _tell(self, port: int) -> None:
        self.stdout.write(f"Listening on UDP port {port}")
        self.stdout.flush()
