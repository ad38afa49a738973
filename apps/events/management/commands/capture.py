import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from apps.events import selectors
from apps.events.capture.reader import Capture
from veza.kit import collector


class Command(BaseCommand):
    """Runs one reader until SIGTERM or Ctrl-C; `--status` only tells how far it is."""

    requires_system_checks = []  # it serves no URLs, so it need not load them
    help = (
        "Read the changes of captured tables out of PostgreSQL's log into the change stream. Any "
        "number may run; one reads at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--status", action="store_true", help="tell slot, position and lag, and end"
        )

        parser.add_argument(
            "--anew",
            action="store_true",
            help="make a new slot and read all rows again first, say after Redis was restored",
        )

    def handle(self, *_: Any, status: bool, anew: bool, **__: Any) -> None:
        if status:
            self._show()
            return
        capture = Capture()
        if anew:
            capture.begin_anew("an operator asked for it")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: capture.stop())
        collector.spare_what_is_loaded()
        capture.run()

    def _show(self) -> None:
        status = selectors.capture_status()
        table = Table(title="Change capture", title_justify="left", show_header=False)
        safe = "no limit" if status.safe_bytes is None else f"{status.safe_bytes:,} bytes"
        for name, value in {
            "State": f"{status.state} {status.detail}".strip(),
            "Slot": f"{status.slot} {status.wal_status}".strip(),
            "Read by": f"server process {status.active_pid}" if status.active_pid else "nobody",
            "Confirmed": status.confirmed or "nothing",
            "Lag": f"{status.lag_bytes:,} bytes, {status.lag_s:.1f} s",
            "May still be kept": safe,
        }.items():
            table.add_row(name, value)
        Console(file=self.stdout, highlight=False).print(table)  # type: ignore[arg-type]
