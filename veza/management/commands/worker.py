"""`manage.py worker`: runs tasks from the queues."""

import hashlib
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from veza.celery import QUEUES, app, restore_unacknowledged, task_queue
from veza.config import config


class Command(BaseCommand):
    """A Celery worker with our queues."""

    help = (
        "Run tasks from the queues. The first SIGTERM or Ctrl-C lets running tasks finish, "
        "SIGQUIT gives them back to the broker."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queues", default=",".join(QUEUES), help=f"default: {','.join(QUEUES)}"
        )
        parser.add_argument(
            "--concurrency", type=int, default=config.worker_processes,
            help="child processes; default: WORKER_PROCESSES",
        )  # fmt: skip
        parser.add_argument(
            "--name", default="worker", help="tells several workers of one data directory apart"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        broker = app.connection().as_uri()
        self.stdout.write(f"Taking tasks from {broker}: {options['queues']}")
        self.stdout.flush()
        names = [name.strip() for name in options["queues"].split(",") if name.strip()]
        app.conf.task_queues = [task_queue(name) for name in names]
        restore_unacknowledged()
        app.worker_main(
            [
                "--quiet", "worker",
                "--hostname", f"{options['name']}-{_mark()}@%h",
                "--concurrency", str(options["concurrency"]),
                "--loglevel", config.log_level,
            ]
        )  # fmt: skip


def _mark() -> str:
    """Short, and different for each data directory: node names must be unique per broker."""
    return hashlib.sha256(str(settings.DATA_DIR).encode()).hexdigest()[:8]
