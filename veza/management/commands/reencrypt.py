"""`manage.py reencrypt`: after a rotation of ENCRYPTION_KEYS, everything under the first key."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from veza.kit.sealed import Column, Tally, count, reseal, sealed_columns

BATCH, MOST = 500, 100_000


class Command(BaseCommand):
    """May be interrupted and repeated, and runs beside everything else."""

    help = (
        "Seal every encrypted column anew under the first key of ENCRYPTION_KEYS, so that the other"
        " keys can be taken away. Interrupted, it goes on where it was when it is run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true",
            help="only count; fails while anything needs another key than the first",
        )  # fmt: skip
        parser.add_argument("--batch", type=_size, default=BATCH, help=f"rows, default: {BATCH}")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        found = {str(column): self._run(column, **options) for column in sealed_columns()}
        total = sum(found.values(), Tally())
        if options["json"]:
            told = {name: vars(tally) for name, tally in found.items()}
            self.stdout.write(json.dumps(told))
        else:
            done = "need another key than the first" if options["check"] else "sealed anew"
            for name, tally in found.items():
                self.stdout.write(f"{name}: {tally.current:,} current, {tally.old:,} {done}")
        if total.unreadable:
            raise CommandError(
                f"{total.unreadable:,} are opened by no key of ENCRYPTION_KEYS: put the key back"
                " under which they were sealed."
            )
        if options["check"] and total.old:
            raise CommandError(f"{total.old:,} need another key than the first: run reencrypt.")

    def _run(self, column: Column, *, check: bool, batch: int, **_: Any) -> Tally:
        tally = Tally()
        for part in (count if check else reseal)(column, batch=batch):
            tally += part
            seen = tally.current + tally.old + tally.unreadable
            self.stderr.write(f"{column}: {seen:,} rows", ending="\r")
        return tally


def _size(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ArgumentTypeError(f"use 1 to {MOST}")
    return int(text)
