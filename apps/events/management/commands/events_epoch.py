import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.events import selectors, services


class Command(BaseCommand):
    """Shows the epoch of the log, or begins the next one."""

    help = (
        "Show the epoch of the log. After a restore from a backup, begin a new one with --bump: "
        "clients then learn that their positions are lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bump", action="store_true", help="begin a new epoch")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_: Any, bump: bool, **options: Any) -> None:
        if bump:
            services.bump_epoch()
        bounds = selectors.log_bounds()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(bounds)))
            return
        self.stdout.write(
            f"Epoch {bounds.epoch}, positions {bounds.oldest} to {bounds.head} can be read."
        )
