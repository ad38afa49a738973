"""`manage.py demo`: accounts and tokens to try the platform with."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from apps.auth.services import demo as demo_accounts
from apps.auth.services.demo import DemoAccount
from veza.kit.errors import VezaError


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What there is to try: people to sign in as, and tokens for programs."""

    accounts: Sequence[DemoAccount]
    tokens: Mapping[str, str]


def make_demo(*, with_tokens: bool = True) -> Demo:
    """Make what is missing of the demo, and tell all of it. Raises CommandError in production."""
    if settings.VEZA_ENV == "production":
        raise CommandError("Demo accounts have no place in production: create your own users.")
    now = timezone.now()
    try:
        accounts = demo_accounts.ensure_accounts(now=now)
    except VezaError as fault:
        raise CommandError(str(fault)) from None
    tokens = demo_accounts.issue_tokens(now=now) if with_tokens else {}
    return Demo(accounts=accounts, tokens=tokens)


def accounts_table(demo: Demo) -> Table:
    """For people."""
    table = Table("user name", "password", "roles", title="Demo accounts")
    for account in demo.accounts:
        table.add_row(account.username, account.password, ", ".join(account.roles))
    return table


class Command(BaseCommand):
    """A table for people, or `--json` for programs."""

    help = (
        "Make demo accounts once, and print them with new tokens that are good for 90 days."
        " Refused in production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: object) -> None:
        demo = make_demo()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(demo)))
            return
        console = Console(file=cast(IO[str], self.stdout))
        console.print(accounts_table(demo))
        for name, token in demo.tokens.items():
            console.print(f"[bold]{name} token[/bold] (90 days)")
            console.print(token, soft_wrap=True)
