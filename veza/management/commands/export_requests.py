"""`manage.py export_requests`: every call of the API as a request that one can send."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.renderers import OpenApiJsonRenderer

from veza.management.requests.bruno import collection
from veza.management.requests.calls import FIRST, calls
from veza.management.requests.http_files import http_file
from veza.pages.site import render_schema

FOLDER = Path("docs", "examples", "requests")


class Command(BaseCommand):
    """Generates docs/examples/requests, or compares it."""

    help = "Write docs/examples/requests: a Bruno collection and .http files, from the schema."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if a file is not current"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR) / FOLDER
        files = requests_of(json.loads(render_schema(OpenApiJsonRenderer())))
        made = {path for kind in ("bruno", "http") for path in (root / kind).rglob("*.*")}
        stale = sorted(made - {root / name for name in files})
        if options["check"]:
            _require_current(root, files, stale)
            return
        for path in stale:
            path.unlink()
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        self.stdout.write(f"Wrote {len(files)} files into {FOLDER}")


def requests_of(schema: dict[str, Any]) -> dict[str, str]:
    """All files, by their path below the folder."""
    by_tag = calls(schema)
    known = {call.id: call for each in by_tag.values() for call in each}
    sign_in, register = (known[name] for name in FIRST)
    files = {
        f"http/{tag}.http": http_file(tag, each, sign_in=sign_in, register=register)
        for tag, each in by_tag.items()
    }
    return files | {f"bruno/{name}": text for name, text in collection(by_tag).items()}


def _require_current(root: Path, files: dict[str, str], stale: list[Path]) -> None:
    for name, text in files.items():
        if not (root / name).is_file() or (root / name).read_text() != text:
            stale.append(root / name)
    if stale:
        raise CommandError(
            f"{FOLDER / stale[0].relative_to(root)} is not current:"
            " run `python manage.py export_requests`."
        )
