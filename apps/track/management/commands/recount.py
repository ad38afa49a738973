"""Counts anew what is kept as a number, and mends what is wrong."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.track.services.counters import recount


class Command(BaseCommand):
    """While people go on liking and adding."""

    help = "Count likes of tracks and items of playlists anew, and mend wrong numbers"

    def handle(self, *args: Any, **options: Any) -> None:
        for name, mended in recount().items():
            self.stdout.write(f"{name}: {mended} mended")
