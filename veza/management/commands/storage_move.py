"""`manage.py storage_move`: all files from disk to a bucket, or back, or to another one."""

import json
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import (
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from veza.integrations.object_storage import Move, ObjectStorage, Outcome, storage_at
from veza.kit.errors import VezaError

MOST_PASSES = 10


class Command(BaseCommand):
    """May be interrupted and repeated, and runs while the platform does."""

    help = (
        "Copy every file from one storage to another, and compare each by size and SHA-256."
        " Interrupted, it goes on where it was. What is written meanwhile is found in another"
        " pass: run it, change the settings, run it once more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = "local:/absolute/path or s3://bucket (with the S3_ settings of this server)"
        parser.add_argument("--from", dest="source", required=True, help=where)
        parser.add_argument("--to", dest="target", required=True, help=where)
        parser.add_argument("--prefix", default="", help="only keys that begin with this")
        parser.add_argument(
            "--dry-run", action="store_true", help="copy nothing, say what is missing"
        )
        parser.add_argument(
            "--quick", action="store_true", help="what has the same size is not read again"
        )
        parser.add_argument(
            "--delete-source", action="store_true", help="remove each file once it was compared"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, source: str, target: str, **options: Any) -> None:
        if source.rstrip("/") == target.rstrip("/"):
            raise CommandError("These are the same.")
        if source.startswith("local:") and not Path(source.removeprefix("local:")).is_dir():
            raise CommandError(f"{source}: there is no such folder.")
        try:
            move = Move(
                source=_checked(source), target=_checked(target), prefix=options["prefix"],
                is_dry=options["dry_run"], trusts_sizes=options["quick"],
                deletes_source=options["delete_source"],
            )  # fmt: skip
            tally = self._run(move)
        except (ValueError, VezaError) as fault:
            raise CommandError(str(fault)) from None
        if options["json"]:
            self.stdout.write(json.dumps(tally))
        else:
            told = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(tally.items()))
            self.stdout.write(told or "There is nothing to move.")
        if tally.get(Outcome.FAILED):
            raise CommandError("Some files could not be moved: see above, and run it again.")

    def _run(self, move: Move) -> dict[str, int]:
        """Passes until one finds nothing new; what failed is tried once more in each."""
        seen: dict[str, str] = {}
        tally: Counter[str] = Counter()
        with _progress() as progress:
            for number in range(1, MOST_PASSES + 1):
                objects = list(move.source.list_objects(move.prefix))
                task = progress.add_task(
                    f"pass {number}", total=sum(each.size_bytes for each in objects) or 1
                )
                found: Counter[str] = Counter()
                tally.pop(Outcome.FAILED, None)
                for moved in move.once(seen=seen):
                    found[moved.outcome] += 1
                    progress.advance(task, moved.stat.size_bytes)
                    if moved.fault:
                        progress.console.print(moved.fault, style="red", highlight=False)
                progress.update(task, completed=progress.tasks[task].total)
                tally.update(found)
                if move.is_dry or not found[Outcome.COPIED]:
                    break
        return {str(outcome): count for outcome, count in tally.items()}


def _checked(address: str) -> ObjectStorage:
    storage = storage_at(address)
    storage.check()
    return storage


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
