import signal
from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from apps.events import selectors
from apps.events.capture import skipping
from apps.events.capture.link import parse_lsn
from apps.events.capture.reader import Capture
from veza.kit import collector

MOST_SHOWN = 5


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
            "--skip",
            metavar="LSN",
            type=_lsn,
            help="have the change that cannot be decoded skipped, or with the LSN of its commit all"
            " such changes of its transaction, and end",
        )
        parser.add_argument(
            "--anew",
            action="store_true",
            help="make a new slot and read all rows again first, say after Redis was restored",
        )

    def handle(self, *_: Any, status: bool, skip: int | None, anew: bool, **__: Any) -> None:
        if status:
            self._show()
            return
        if skip is not None:
            self._skip(skip)
            return
        capture = Capture()
        if anew:
            capture.begin_anew("an operator asked for it")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: capture.stop())
        collector.spare_what_is_loaded()
        capture.run()

    def _skip(self, place: int) -> None:
        try:
            change = skipping.skip(place, slot=settings.CAPTURE_SLOT, now=timezone.now())
        except skipping.NothingToSkipError:
            raise CommandError(
                "No change at this position stands in the way; `capture --status` names it."
            ) from None
        what = "all of its transaction that cannot be decoded" if change.skips_transaction else "it"
        self.stdout.write(f"{selectors.shown_change(change)}\nCapture skips {what} within seconds.")

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
            "Cannot be decoded": status.unreadable or "nothing",
            "Skipped": self._skipped(status.skipped),
        }.items():
            table.add_row(name, value)
        Console(file=self.stdout, highlight=False).print(table)  # type: ignore[arg-type]

    def _skipped(self, count: int) -> str:
        newest = selectors.skipped_changes()[:MOST_SHOWN]
        return "\n".join([f"{count:,}", *map(selectors.shown_change, newest)])


def _lsn(text: str) -> int:
    try:
        return parse_lsn(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no position of PostgreSQL's log") from None
