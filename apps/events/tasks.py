"""What workers do for facts."""

from uuid import UUID

from celery import shared_task

from apps.events import delivery, retention
from apps.events.broker import DELIVER


@shared_task(name=DELIVER)
def deliver(*, event_id: str, handler: str, **_: object) -> None:
    """Run one handler for one fact. `**_` lets an older worker take a newer message."""
    delivery.deliver(event_id=UUID(event_id), handler_name=handler)


@shared_task(name="events.trim")
def trim(**_: object) -> None:
    """Remove what is older than the retention."""
    retention.trim()
