import json
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.auth.services import access_tokens
from apps.auth.types import STAFF_ROLES, RoleName, Scope
from veza.kit.errors import VezaError

LONGEST_DAYS = 366


class Command(BaseCommand):
    """Accounts of programs: an ingestor, a chat server, a stream server."""

    help = (
        "Make an account for a program, or a token for one. The token is printed once; the program"
        " sends it as `Authorization: Bearer <token>`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        create = commands.add_parser("create", help="make an account, and its first token")
        token = commands.add_parser("token", help="make one more token for an account")
        create.add_argument(
            "--role", action="append", default=[], dest="roles", choices=_roles(),
            help="what the program may do, such as ingestor; may be repeated",
        )  # fmt: skip
        for command in (create, token):
            command.add_argument("name", help="user name of the account")
            command.add_argument(
                "--scope", action="append", default=[], dest="scopes", choices=Scope.values,
                help="what its tokens may do at most; may be repeated, default all",
            )  # fmt: skip
            command.add_argument("--days", type=_days, default=90, help="life of the token")
            command.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["command"] == "create":
                access_tokens.create_machine(
                    username=options["name"], roles=frozenset(map(RoleName, options["roles"]))
                )
            made = access_tokens.create_machine_token(
                username=options["name"],
                scopes=frozenset(map(Scope, options["scopes"] or Scope.values)),
                expires_at=now + timedelta(days=options["days"]),
                now=now,
            )
        except ValidationError as fault:
            raise CommandError(" ".join(fault.messages)) from None
        except VezaError as fault:
            raise CommandError(str(fault)) from None
        if options["json"]:
            told = {"username": options["name"], "token": made.token, "scopes": made.row.scopes}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"{made.token}\nGood until {made.row.expires_at:%Y-%m-%d}.")


def _roles() -> list[str]:
    return [role for role in RoleName.values if role not in STAFF_ROLES]


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LONGEST_DAYS:
        raise ArgumentTypeError(f"use 1 to {LONGEST_DAYS}")
    return int(text)
