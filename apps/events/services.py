"""Publish a fact with the data that makes it true."""

import secrets
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from apps.events import hints, registry
from apps.events.errors import OutsideTransactionError
from apps.events.models import LogEpoch, OutboxFact
from apps.events.types import Actor, Fact, Subject, actor_dict
from veza.kit import caches
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
    _wake_a_relay_on_commit()
    names = caches.fact_names(fact.name, subject=(subject.type, subject.id))
    transaction.on_commit(partial(caches.give_up, names), robust=True)
    return row.event_id


def bump_epoch() -> str:
    """Say that positions from before mean nothing any more; returns the new epoch.

    For after a restore: clients may hold positions that the restored log gives to other facts.
    The next fact stands behind all that the log holds.
    """
    epoch = secrets.token_hex(4)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7391001)")  # no relay moves meanwhile
        cursor.execute("SELECT events_head()")
        LogEpoch.objects.update(epoch=epoch, floor=cursor.fetchone()[0])
    return epoch


def _wake_a_relay_on_commit() -> None:
    """Once for each transaction: the queue of what follows the commit is looked through."""
    if not any(each[1] is hints.outbox_has_grown for each in connection.run_on_commit):
        transaction.on_commit(hints.outbox_has_grown, robust=True)


def _traceparent() -> str:
    """The W3C trace context of the current span; empty when nothing is traced."""
    carrier: dict[str, str] = {}
    if propagate is not None:
        propagate.inject(carrier)
    return carrier.get("traceparent", "")
