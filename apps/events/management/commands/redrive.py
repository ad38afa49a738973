import json
from argparse import ArgumentTypeError
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.events import dead_letters
from apps.events.dead_letters import Choice


class Command(BaseCommand):
    """Sends dead letters again, each once; run again it finds nothing to do."""

    help = "Send dead letters again: what the handlers or tasks failed at, once they are repaired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--handler", help="those of this handler, `notifications.tell_owner`")
        parser.add_argument("--type", help="those of this kind of fact, `track.ready`")
        parser.add_argument("--id", type=_uuid, help="one, by its own id or by that of its fact")
        parser.add_argument("--all", action="store_true", help="all of them")
        parser.add_argument("--json", action="store_true", help="print the ids as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        chosen = {key: options[key] for key in ("handler", "type", "id")}
        if not options["all"] and not any(chosen.values()):
            raise CommandError("Say which: --handler, --type or --id, or --all.")
        if options["all"] and any(chosen.values()):
            raise CommandError("--all goes alone; leave out --handler, --type and --id.")
        sent = [str(letter_id) for letter_id in dead_letters.redrive(Choice(**chosen))]
        if options["json"]:
            self.stdout.write(json.dumps({"redriven": sent, "count": len(sent)}))
        else:
            self.stdout.write(f"{len(sent)} sent again.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no UUID") from None
