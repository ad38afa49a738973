import json
import re
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.auth.selectors.audit import ChainFault, Seal, check_audit_chain

EXPECTED = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


class Command(BaseCommand):
    """Fails at the first place where the chain breaks; changes nothing."""

    help = (
        "Check that no entry of the audit log was changed, removed or smuggled in. Keep the head"
        " that it prints elsewhere, and give it to --expect next time: then a cut end shows too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--expect",
            type=_seal,
            metavar="POSITION:HASH",
            help="a head that was printed before; it must still stand in the chain",
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        head, expected = Seal(position=0, hash=""), options["expect"]
        for found in check_audit_chain(expect=expected):
            if isinstance(found, ChainFault):
                raise CommandError(
                    f"The audit log is broken at position {found.position}: {found.reason}."
                    " Compare it with a backup, and keep both."
                )
            head = found
            if not options["json"]:
                self.stderr.write(f"{head.position:,} entries are whole", ending="\r")
        if options["json"]:
            self.stdout.write(json.dumps({"entries": head.position, "head": str(head)}))
        else:
            self.stdout.write(f"The audit log is whole: {head.position:,} entries, head {head}")


def _seal(text: str) -> Seal:
    match = EXPECTED.fullmatch(text)
    if match is None:
        raise ArgumentTypeError("use POSITION:HASH as an earlier run printed it")
    return Seal(position=int(match[1]), hash=match[2])
