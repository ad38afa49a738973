"""What tests say often, in the words of the product."""

from typing import Any

from apps.events.models import OutboxFact
from apps.events.types import Fact


def published(fact: type[Fact]) -> list[dict[str, Any]]:
    """The payloads of this fact that wait in the outbox, oldest first."""
    waiting = OutboxFact.objects.filter(type=fact.name, version=fact.version).order_by("seq")
    return list(waiting.values_list("payload", flat=True))
