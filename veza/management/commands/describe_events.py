import json
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.events import registry
from apps.events.types import Fact

HEAD = """\
# Facts

<!-- Written by `manage.py describe_events` from the apps' events.py: change those files. -->

A fact says that something happened, in the past tense. It is written in the transaction that makes
it true, takes its place in one log, and reaches clients in one envelope:

| member | meaning |
| --- | --- |
| `id` | UUIDv7; the same on every transport |
| `type`, `version` | the name of the fact and the version of its `data` |
| `time` | when it was published, RFC 3339 in UTC |
| `subject` | `{"type", "id"}` of what it is about |
| `actor` | `{"type", "id"}` of who caused it, `type` one of `user`, `system`, `program`; or null |
| `data` | described below for each fact |
| `position`, `epoch` | its place in the log: dense and rising within one epoch |
| `room` | the room by which it reached this client |

A version only ever gains members in `data`: ignore those that you do not know. Any other change is
the next version, published beside the old one.

| fact | version | rooms | what happened |
| --- | --- | --- | --- |
"""


class Command(BaseCommand):
    """Writes the reference page of facts from the registry."""

    help = "Write docs/api/events.md from the facts that the apps declare."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail when the page is not current"
        )

    def handle(self, *_: Any, check: bool, **__: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "api" / "events.md"
        page = _page(registry.registered())
        if not check:
            path.write_text(page)
        elif not path.exists() or path.read_text() != page:
            raise CommandError("docs/api/events.md is not current; run `make docs`.")


def _page(facts: list[type[Fact]]) -> str:
    return HEAD + "".join(_line(fact) for fact in facts) + "".join(_section(f) for f in facts)


def _line(fact: type[Fact]) -> str:
    link = f"[`{fact.name}`](#{_anchor(fact)})"
    return f"| {link} | {fact.version} | {_rooms(fact)} | {fact.about} |\n"


def _section(fact: type[Fact]) -> str:
    return (
        f"\n## {registry.label(fact)}\n\n{fact.about}\n\n"
        f"Rooms: {_rooms(fact)}.\n\n"
        f"Example of `data`:\n\n{_json(registry.example_of(fact))}\n"
        f"Schema of `data`:\n\n{_json(registry.schema_of(fact))}"
    )


def _anchor(fact: type[Fact]) -> str:
    return re.sub(r"[.@]", "", registry.label(fact))  # as Markdown makes it from the heading


def _rooms(fact: type[Fact]) -> str:
    return ", ".join(f"`{room}`" for room in fact.rooms) or "none (inside the platform)"


def _json(value: object) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```\n"
