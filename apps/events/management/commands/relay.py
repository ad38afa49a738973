import argparse
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.events.dispatch import Dispatcher
from apps.events.relay import Pace, Relay
from veza.kit import collector

STOP_WITHIN_S = 5.0
"""What a dispatcher may take that waits for a broker; killed, it loses nothing."""


class Command(BaseCommand):
    """Runs one relay until SIGTERM or Ctrl-C, which let it finish its batch and end with 0."""

    requires_system_checks = []  # it serves no URLs, so it need not load them
    help = (
        "Move committed facts from the outbox to the log, and send them to their handlers. "
        "Any number may run; one moves at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch",
            type=_positive,
            default=500,
            help="facts moved in one statement, 1 or more (default 500)",
        )
        parser.add_argument(
            "--poll-ms",
            type=_positive,
            default=20,
            help="how long to wait when the outbox is empty, in milliseconds (default 20)",
        )

    def handle(self, *_: Any, batch: int, poll_ms: int, **__: Any) -> None:
        dispatcher = Dispatcher()
        relay = Relay(pace=Pace(batch=batch, poll_s=poll_ms / 1000), dispatcher=dispatcher)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stop())
        collector.spare_what_is_loaded()
        dispatching = threading.Thread(target=dispatcher.run, name="veza-dispatch", daemon=True)
        dispatching.start()
        try:
            relay.run()
        finally:
            dispatcher.stop()
            dispatching.join(STOP_WITHIN_S)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
