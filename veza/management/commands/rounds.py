import argparse
import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.live import Live
from rich.table import Table

from apps.datastream.models import Game
from apps.datastream.services import instruments, rounds
from veza.management.terminal.rates import Rate

BATCH_S = 0.05
"""Rounds that are due within this time are committed together."""


class Command(BaseCommand):
    """`simulate` plays games as another program would: it only inserts rows. `manage.py up` runs it
    with `--prices --quiet` on the database that it brings.
    """

    help = "Play demo games: insert rounds at a rate, and show how many a second."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="simulate")
        simulate = actions.add_parser("simulate", help="insert rounds of the demo games")
        simulate.add_argument("--rate", type=_positive, default=2.0, help="rounds/s (default 2)")
        simulate.add_argument(
            "--count", type=_whole, default=0, help="end after so many rounds (default: never)"
        )
        simulate.add_argument(
            "--prices", action="store_true", help="move the prices of demo instruments with them"
        )
        simulate.add_argument("--quiet", action="store_true", help="show nothing")
        simulate.add_argument(
            "--json", action="store_true", help="print one JSON object at the end, and nothing else"
        )

    def handle(self, *args: Any, rate: float, count: int, **options: Any) -> None:
        if settings.VEZA_ENV == "production":
            raise CommandError("Demo games have no place in production: insert rounds of your own.")
        console = Console(
            file=cast(IO[str], self.stdout), quiet=options["quiet"] or options["json"]
        )
        table = _Rates(rounds.ensure_demo_games())
        prices = instruments.DEMO_PRICES if options["prices"] else {}
        with (
            contextlib.suppress(KeyboardInterrupt),  # how it is meant to end
            _sigterm_like_ctrl_c(),
            Live(console=console, get_renderable=table.show, refresh_per_second=4),
        ):
            _simulate(table, prices, rate=rate, count=count)
        if options["json"]:
            self.stdout.write(json.dumps(table.tally()))
        console.print(
            f"{table.all.total:,} rounds in {table.all.seconds:.1f} s,"
            f" {table.all.total / max(table.all.seconds, 0.001):,.1f}/s"
        )


class _Rates:
    """How many rounds of which game."""

    def __init__(self, games: Sequence[Game]) -> None:
        self.games = games
        self.all = Rate()
        self._by_slug = {game.slug: Rate() for game in games}

    def add(self, slugs: Sequence[str]) -> None:
        self.all.add(len(slugs))
        for slug in slugs:
            self._by_slug[slug].add()

    def tally(self) -> dict[str, Any]:
        """In all, and of each game."""
        games = {slug: rate.total for slug, rate in self._by_slug.items()}
        return {"rounds": self.all.total, "seconds": round(self.all.seconds, 3), "games": games}

    def show(self) -> Table:
        table = Table("game", "type", title=f"{self.all.per_s:,.0f} rounds/s")
        for title in ("rounds", "a second"):
            table.add_column(title, justify="right")
        for game in self.games:
            rate = self._by_slug[game.slug]
            table.add_row(game.slug, game.type, f"{rate.total:,}", f"{rate.per_s:,.1f}")
        return table


def _simulate(table: _Rates, prices: Mapping[str, float], *, rate: float, count: int) -> None:
    began = time.monotonic()
    while not count or table.all.total < count:
        due = int((time.monotonic() - began) * rate) + 1 - table.all.total
        due = min(due, count - table.all.total) if count else due
        if due > 0:
            table.add(rounds.play_rounds(table.games, count=due))
            prices = instruments.move_prices(prices, now=timezone.now())
        time.sleep(max(BATCH_S, min(1.0, 1 / rate)))


@contextlib.contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
