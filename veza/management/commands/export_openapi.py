"""`manage.py export_openapi`: the schema of the API as a file in the docs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.renderers import OpenApiYamlRenderer

from veza.pages.site import render_schema


class Command(BaseCommand):
    """Generates docs/api/openapi.yaml, or compares it."""

    help = "Write docs/api/openapi.yaml, which describes every call of the API (OpenAPI 3.1)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if the file is not current"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "api" / "openapi.yaml"
        text = render_schema(OpenApiYamlRenderer())
        if GENERATOR_STATS:
            raise CommandError("The schema has warnings; see above, and complete the views.")
        if options["check"]:
            _require_current(path, text)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        self.stdout.write(f"Wrote {path.relative_to(settings.BASE_DIR)}")


def _require_current(path: Path, text: bytes) -> None:
    if not path.is_file() or path.read_bytes() != text:
        raise CommandError(
            "docs/api/openapi.yaml is not current: run `python manage.py export_openapi`."
        )
