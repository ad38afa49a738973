"""What was given up: written down with its reason, and sent again when an operator says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.events.broker import DELIVER, DeadMessage
from apps.events.models import DeadLetter, Delivery

AT_ONCE = 1000
OPEN = (Delivery.State.WAITING, Delivery.State.SENT, Delivery.State.RUNNING)
REASONS = {
    "delivery_limit": "RabbitMQ gave it up: no worker survived it, or none acknowledged it.",
    "expired": "It waited in its queue for longer than messages live.",
    "rejected": "A worker refused it.",
}
_OWE_AGAIN = """
INSERT INTO events_delivery (event_id, handler, position, type, queue)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (event_id, handler) DO UPDATE
   SET state = 'waiting', tries = 0, due_at = clock_timestamp(), changed_at = clock_timestamp()
 WHERE events_delivery.state = 'dead'
"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which dead letters; what is not named does not matter."""

    handler: str | None = None
    type: str | None = None
    id: UUID | None = None
    """Of the letter, or of its fact."""


@transaction.atomic
def give_up(
    *, delivery_id: int, content: dict[str, Any], tries: int, reason: str, trace: str = ""
) -> None:
    """No further try. A delivery that is over stays as it is."""
    rows = Delivery.objects.select_for_update().filter(pk=delivery_id, state__in=OPEN)
    if (row := rows.first()) is None:
        return
    row.state, row.fault, row.changed_at = Delivery.State.DEAD, reason, timezone.now()
    row.save(update_fields=["state", "fault", "changed_at"])
    DeadLetter.objects.create(
        queue=row.queue, task=DELIVER, handler=row.handler, event_id=row.event_id, type=row.type,
        content=content, reason=reason, traceback=trace, tries=tries,
    )  # fmt: skip


def record_message(message: DeadMessage) -> None:
    """Take over what RabbitMQ has given up.

    Deliveries to handlers need nothing: they are counted and repeated by what is owed, whatever
    became of their messages.
    """
    if message.task == DELIVER:
        return
    reason = REASONS.get(message.reason, f"RabbitMQ gave it up: {message.reason}.")
    DeadLetter.objects.create(
        queue=message.queue, task=message.task, content=message.content,
        reason=reason, tries=message.tries,
    )  # fmt: skip


def choose(choice: Choice) -> QuerySet[DeadLetter]:
    """Those that were not sent again yet, oldest first."""
    letters = DeadLetter.objects.filter(redriven_at__isnull=True).order_by("died_at", "id")
    if choice.handler is not None:
        letters = letters.filter(handler=choice.handler)
    if choice.type is not None:
        letters = letters.filter(type=choice.type)
    if choice.id is not None:
        letters = letters.filter(pk=choice.id) | letters.filter(event_id=choice.id)
    return letters


def redrive(choice: Choice) -> list[UUID]:
    """Send each of them again, once: repeated or at the same time elsewhere, it does nothing.

    Returns the ids of the letters. They stay to be seen, marked. Raises the broker's error when
    a task cannot be sent; then it stays as it was.
    """
    sent: list[UUID] = []
    while batch := _redrive_some(choice):
        sent += batch
    return sent


@transaction.atomic
def _redrive_some(choice: Choice) -> list[UUID]:
    letters = list(choose(choice).select_for_update(skip_locked=True)[:AT_ONCE])
    _owe_again([letter for letter in letters if letter.event_id is not None])
    ids = [letter.pk for letter in letters]
    DeadLetter.objects.filter(pk__in=ids).update(redriven_at=timezone.now())
    for letter in letters:
        if letter.event_id is None:
            _send_again(letter)
    return ids


def _owe_again(letters: Sequence[DeadLetter]) -> None:
    rows = [
        (each.event_id, each.handler, each.content.get("position", 0), each.type, each.queue)
        for each in letters
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_OWE_AGAIN, rows)


def _send_again(letter: DeadLetter) -> None:
    current_app.send_task(
        letter.task, args=letter.content.get("args"), kwargs=letter.content.get("kwargs"),
        queue=letter.queue or None, ignore_result=True,
    )  # fmt: skip
