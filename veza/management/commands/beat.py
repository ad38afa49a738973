"""`manage.py beat`: sends the periodic tasks when they are due."""

from typing import Any

from django.core.management.base import BaseCommand

from veza.celery import app
from veza.config import config


class Command(BaseCommand):
    """Celery's beat with its timetable in the database, where the admin can change it."""

    help = "Send periodic tasks to the queues when they are due. SIGTERM or Ctrl-C ends it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Sending periodic tasks to {app.connection().as_uri()}")
        self.stdout.flush()
        app.Beat(quiet=True, loglevel=config.log_level, redirect_stdouts=False).run()
