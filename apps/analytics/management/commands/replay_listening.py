"""Counts plays anew from the events that are kept."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from apps.analytics.services import rollups
from apps.analytics.services.counting import rebuild


class Command(BaseCommand):
    """While people go on listening."""

    help = (
        "Compute what was heard, plays and their sums anew from the events that are kept. What"
        " is counted right stays as it is; may run while the platform does, and be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        sessions = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("sessions", total=None)
            for done in rebuild(now=now):
                sessions += done
                progress.update(task, completed=sessions)
        hours = rollups.refresh(now=now)
        if options["json"]:
            self.stdout.write(json.dumps({"sessions": sessions, "hours": hours}))
        else:
            self.stdout.write(f"{sessions:,} sessions read, sums of {hours:,} hours computed.")
