"""Publish a fact with the data that makes it true."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from apps.events import registry
from apps.events.errors import OutsideTransactionError
from apps.events.models import OutboxFact
from apps.events.types import Actor, Fact, Subject, actor_dict
from veza.kit.context import current_request_id

try:
    from opentelemetry import propagate
except ImportError:  # the extra `otel` is not installed
    propagate = None  # type: ignore[assignment]


def publish(
    fact: Fact, *, subject: Subject, rooms: Sequence[str] = (), actor: Actor | None = None
) -> UUID:
    """Store the fact in the caller's transaction; nothing leaves before that commits.

    Call it last in a service, after the subject's row was locked or written: the order in which
    facts of one subject are read is the order of these calls only if the row holds others back.
    Returns the id under which everyone will know the fact. Raises OutsideTransactionError,
    UnregisteredFactError and UndeclaredRoomError.
    """
    if not connection.in_atomic_block:
        raise OutsideTransactionError(
            f"Publish {fact.name} inside the transaction.atomic of the change that it reports."
        )
    registry.require(type(fact), rooms=rooms)
    row = OutboxFact.objects.create(
        aggregatetype=subject.type,
        aggregateid=str(subject.id),
        type=fact.name,
        version=fact.version,
        payload=fact.payload(),
        rooms=list(rooms),
        actor=actor_dict(actor),
        request_id=current_request_id(),
        trace=_traceparent(),
    )
    return row.event_id


def _traceparent() -> str:
    """The W3C trace context of the current span; empty when nothing is traced."""
    carrier: dict[str, str] = {}
    if propagate is not None:
        propagate.inject(carrier)
    return carrier.get("traceparent", "")
