"""Counts anew what is kept as a number, and mends what is wrong."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.track.services.counters import recount


class Command(BaseCommand):
    """While people go on liking, adding and listening."""

    help = (
        "Count likes and plays of tracks and items of playlists anew, and mend wrong numbers."
        " May run while the platform does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        tally = recount()
        if options["json"]:
            self.stdout.write(json.dumps(tally))
            return
        for name, mended in tally.items():
            self.stdout.write(f"{name}: {mended} mended")
