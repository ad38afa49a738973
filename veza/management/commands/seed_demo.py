"""`manage.py seed_demo`: music, playlists, likes and plays to try the platform with."""

import json
import sys
import time
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from veza.kit.errors import VezaError
from veza.management.commands.demo import make_demo
from veza.management.studio.furnishing import Say, Studio

TELL_EVERY_S = 10.0
_LOCK = 7391011  # of pg_advisory_lock: one at a time


class Command(BaseCommand):
    """Goes on where an earlier run was cut off; refused in production."""

    help = (
        "Make 12 artists, 40 short tracks synthesised here, playlists, likes and plays, by the same"
        " ways as people do: workers and a relay have to run. The music is the same each time."
        " What is there is not made again. Refused in production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *args: object, **options: object) -> None:
        if settings.VEZA_ENV == "production":
            raise CommandError("Demo data has no place in production.")
        began = time.monotonic()
        make_demo(with_tokens=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            tally = self._furnish()
        except VezaError as fault:
            raise CommandError(str(fault)) from None
        if options["json"]:
            self.stdout.write(json.dumps(tally))
            return
        made = ", ".join(f"{count} {name}" for name, count in tally.items())
        self.stdout.write(f"demo data: {made} ({time.monotonic() - began:.0f} s)")

    def _furnish(self) -> dict[str, int]:
        if not sys.stderr.isatty():
            return Studio(now=timezone.now(), say=self._line()).furnish()
        with Progress(
            TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), console=Console(stderr=True),
        ) as progress:  # fmt: skip
            return Studio(now=timezone.now(), say=_bars(progress)).furnish()

    def _line(self) -> Say:
        """For logs: a line now and then."""
        told_at = time.monotonic()

        def say(what: str, done: int, of: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= TELL_EVERY_S:
                told_at = time.monotonic()
                self.stdout.write(f"demo data: {done} of {of} {what}")
                self.stdout.flush()

        return say


def _bars(progress: Progress) -> Say:
    tasks: dict[str, int] = {}

    def say(what: str, done: int, of: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=of)
        progress.update(tasks[what], completed=done)  # type: ignore[arg-type]

    return say
