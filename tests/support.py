"""What tests say often, in the words of the product."""

from typing import Any

from apps.events import handling, registry
from apps.events.models import OutboxFact
from apps.events.types import Envelope, Fact, Subject


def published(fact: type[Fact]) -> list[dict[str, Any]]:
    """The payloads of this fact that wait in the outbox, oldest first."""
    waiting = OutboxFact.objects.filter(type=fact.name, version=fact.version).order_by("seq")
    return list(waiting.values_list("payload", flat=True))


def react() -> None:
    """Have all handlers react to the facts that wait in the outbox, as workers would, once."""
    for row in OutboxFact.objects.order_by("seq"):
        kind = registry.find(row.type, row.version)
        assert kind is not None
        fact = kind.from_payload(row.payload)
        envelope = Envelope(
            id=row.event_id, type=row.type, version=row.version, time=row.occurred_at,
            subject=Subject(type=row.aggregatetype, id=row.aggregateid), actor=None,
            data=row.payload, position=row.seq, epoch="test", rooms=row.rooms, request_id="",
        )  # fmt: skip
        for handler in handling.registered():
            if kind in handler.facts:
                handler.run(fact, envelope)
    OutboxFact.objects.all().delete()
