import signal
from typing import Any

from django.core.management.base import BaseCommand

from apps.datastream.services.projector import Projector
from veza.kit import collector


class Command(BaseCommand):
    """Runs one projector until SIGTERM or Ctrl-C, which let it finish its batch and end with 0."""

    requires_system_checks = []  # it serves no URLs, so it need not load them
    help = (
        "Make last values, histories and live rooms of captured rounds. One works at a time; "
        "others look on."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        projector = Projector()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: projector.stop())
        collector.spare_what_is_loaded()
        projector.run()
