"""`manage.py backbone`: clients of the event backbone."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console

from apps.auth.services import demo
from veza.kit.errors import VezaError
from veza.management.terminal.consume import Consume
from veza.management.terminal.ingest import Ingest
from veza.management.terminal.link import LinkError
from veza.management.terminal.prices import Batch, json_lines, random_walk

INSTRUMENTS = ["BTC_USDT", "ETH_USDT", "SOL_USDT"]


class Command(BaseCommand):
    """`ingest` sends prices, `consume` shows them. Both come back when the connection is lost."""

    help = "Send prices into the event backbone, or show what is published in rooms."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        roles = parser.add_subparsers(dest="role", required=True, metavar="ingest|consume")
        ingest = roles.add_parser(
            "ingest",
            help="send prices",
            description="Send prices of a random walk, or JSON lines from standard input.",
        )
        ingest.add_argument(
            "--instruments",
            type=_instruments,
            default=INSTRUMENTS,
            help="names, comma-separated, or how many of them (default three of them)",
        )
        ingest.add_argument("--rate", type=_positive, default=10.0, help="prices/s (default 10)")
        ingest.add_argument(
            "--stdin",
            action="store_true",
            help='send lines such as {"instrument": "BTC_USDT", "price": 60214.3, "ts": 1}',
        )
        consume = roles.add_parser(
            "consume",
            help="show what is published in rooms",
            description="Show a table of rooms with price, rate and latency.",
        )
        consume.add_argument(
            "rooms", nargs="*", default=INSTRUMENTS, help="instruments, or full names of rooms"
        )
        consume.add_argument("--json", action="store_true", help="print one JSON object a message")
        ingest.add_argument(
            "--json", action="store_true", help="print one JSON object at the end, and nothing else"
        )
        for role in (ingest, consume):
            _add_common(role)

    def handle(self, *args: Any, **options: Any) -> None:
        is_quiet = options["json"] and options["role"] == "ingest"
        console = Console(file=cast(IO[str], self.stdout), quiet=is_quiet)
        if options["role"] == "ingest":
            client: Ingest | Consume = Ingest(_prices(options), at_most=options["count"])
            url, token = f"{options['url']}/ws/ingest", options["token"] or _demo_token()
        else:
            client = Consume(options["rooms"], at_most=options["count"], as_json=options["json"])
            url, token = f"{options['url']}/ws", options["token"]
        try:
            _run(client.run(url, token=token, console=console))
        except (LinkError, ValueError) as fault:
            raise CommandError(str(fault)) from None
        finally:
            if isinstance(client, Ingest) and options["json"]:
                self.stdout.write(json.dumps(client.tally()))
            elif not options["json"]:
                console.print(client.summary())


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        type=lambda text: text.rstrip("/"),
        default=settings.PUBLIC_URL.replace("http", "ws", 1),
        help="default: this installation's",
    )
    parser.add_argument(
        "--token", default="", help="an access token; default for ingest: the demo's ingestor"
    )
    parser.add_argument(
        "--count", type=_whole, default=0, help="end after so many messages (default: never)"
    )


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except KeyboardInterrupt:  # how it is meant to end
        return


def _prices(options: dict[str, Any]) -> AsyncIterator[Batch]:
    if options["stdin"]:
        return json_lines(sys.stdin)
    return random_walk(options["instruments"], per_s=options["rate"])


def _demo_token() -> str:
    """Raises CommandError where there are no demo accounts."""
    if settings.VEZA_ENV == "production":
        raise CommandError("Say --token, of an account with the role ingestor.")
    now = timezone.now()
    try:
        demo.ensure_accounts(now=now)
    except VezaError as fault:
        raise CommandError(f"{fault} Or say --token.") from None
    return demo.issue_tokens(now=now)["ingestor"]


def _instruments(text: str) -> list[str]:
    if text.isdigit() and int(text):
        return [f"TEST_{number}" for number in range(int(text))]
    names = [name for name in text.split(",") if name]
    if not names:
        raise argparse.ArgumentTypeError("names, comma-separated, or a number above 0")
    return names


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
