"""`manage.py export_asyncapi`: every room and message as a file and as a page of the docs."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from veza.pages import asyncapi, rooms_page


class Command(BaseCommand):
    """Generates docs/api/asyncapi.json and docs/api/rooms.md, or compares them."""

    help = "Write docs/api/asyncapi.json (AsyncAPI 3.0) and docs/api/rooms.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if a file is not current"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "api"
        document = asyncapi.document()
        files = {
            "asyncapi.json": json.dumps(document, indent=2) + "\n",
            "rooms.md": rooms_page.page(),
        }
        for name, text in files.items():
            path = folder / name
            if not options["check"]:
                path.write_text(text)
                self.stdout.write(f"Wrote docs/api/{name}")
            elif not path.is_file() or path.read_text() != text:
                raise CommandError(
                    f"docs/api/{name} is not current: run `python manage.py export_asyncapi`."
                )
