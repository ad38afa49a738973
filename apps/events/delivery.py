"""One fact for one handler: the try, the record that it was done, and what follows a failure.

A try is counted before it begins, so that one that takes its worker down is counted too.
"""

import random
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Subquery

from apps.events import dead_letters, handling, registry
from apps.events.errors import UnknownHandlerError
from apps.events.handling import Handler
from apps.events.models import DeadLetter, LogEpoch, LoggedFact
from apps.events.selectors import envelope_of
from apps.events.types import Envelope
from veza.kit.context import bind_request_id
from veza.kit.errors import UpstreamError

try:
    from opentelemetry import context as otel_context
    from opentelemetry import propagate
except ImportError:  # the extra `otel` is not installed
    propagate = None  # type: ignore[assignment]

logger = structlog.get_logger(__name__)

GRACE_S = 15
"""After the time limit, until a try that was not heard of again counts as lost."""
UNKNOWN_AGAIN_AFTER_S = 30.0
"""A worker of an older release may have got it."""

_START = """
UPDATE events_delivery
   SET state = 'running', tries = tries + 1, changed_at = clock_timestamp(),
       due_at = clock_timestamp() + make_interval(secs => %s)
 WHERE event_id = %s AND handler = %s AND state IN ('waiting', 'sent', 'running')
RETURNING id, position, queue, tries
"""
_DONE = """
UPDATE events_delivery SET state = 'done', changed_at = clock_timestamp(), fault = ''
 WHERE id = %s AND state IN ('waiting', 'sent', 'running')
RETURNING id
"""
_AGAIN = """
UPDATE events_delivery
   SET state = 'waiting', changed_at = clock_timestamp(), fault = %s,
       due_at = clock_timestamp() + make_interval(secs => %s)
 WHERE id = %s AND state IN ('waiting', 'sent', 'running')
"""


@dataclass(frozen=True, kw_only=True)
class Try:
    """A try that has been counted."""

    delivery_id: int
    event_id: UUID
    handler: str
    position: int
    queue: str
    number: int


def deliver(*, event_id: UUID, handler_name: str) -> None:
    """Try it, unless it is done or given up. A failure is written down, not raised.

    What would end the process does so, after it was written down too.
    """
    handler = handling.find(handler_name)
    current = _start(event_id, handler_name, handler)
    if current is None:
        return
    retries = handler.retries if handler else handling.DEFAULT_RETRIES
    if current.number > retries.tries:
        reason = f"It took its worker down, or was cut off, in {retries.tries} tries."
        _give_up(current, tries=retries.tries, reason=reason)
        return
    try:
        _run(current, handler)
    except (Exception, SystemExit) as fault:
        _note_failure(current, fault, is_last=current.number >= retries.tries)
        if isinstance(fault, SystemExit):
            raise


def _start(event_id: UUID, handler_name: str, handler: Handler | None) -> Try | None:
    """Count the try; None when nothing is owed, or when somebody else is at it now."""
    timeout_s = handler.timeout_s if handler else handling.DEFAULT_TIMEOUT_S
    with connection.cursor() as cursor:
        cursor.execute(_START, [timeout_s + GRACE_S, event_id, handler_name])
        found = cursor.fetchone()
    if found is None:
        return None
    delivery_id, position, queue, number = found
    return Try(
        delivery_id=delivery_id, event_id=event_id, handler=handler_name,
        position=position, queue=queue, number=number,
    )  # fmt: skip


def _run(current: Try, handler: Handler | None) -> None:
    if handler is None:
        raise UnknownHandlerError(f"handler {current.handler}")
    trace, envelope = _read(current)
    kind = registry.find(envelope.type, envelope.version)
    if kind is None:
        raise UnknownHandlerError(f"fact {envelope.type}@{envelope.version}")
    fact = kind.from_payload(envelope.data)
    with bind_request_id(envelope.request_id), _traced(trace), transaction.atomic():
        if _is_first(current):
            handler.run(fact, envelope)


def _is_first(current: Try) -> bool:
    """Record that it is done, with the effect; who comes second waits here, and does nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [current.delivery_id])
        return cursor.fetchone() is not None


def _read(current: Try) -> tuple[str, Envelope]:
    """The fact with its trace: from the log, or from the dead letter that has outlived it."""
    epoch = Subquery(LogEpoch.objects.values("epoch")[:1])
    rows = LoggedFact.objects.filter(position=current.position, event_id=current.event_id)
    if row := rows.annotate(epoch=epoch).first():
        return row.trace, envelope_of(row, epoch=row.epoch)
    letters = DeadLetter.objects.filter(event_id=current.event_id, handler=current.handler)
    return "", Envelope.from_wire(letters.latest("died_at").content)


def _note_failure(current: Try, fault: BaseException, *, is_last: bool) -> None:
    handler = handling.find(current.handler)
    line = f"{type(fault).__name__}: {fault}"[:1000]
    known = {"handler": current.handler, "event_id": str(current.event_id), "try": current.number}
    if is_last:
        logger.error("handler_gave_up", exc_info=fault, **known)
        trace = "".join(traceback.format_exception(fault))
        _give_up(current, tries=current.number, reason=line, trace=trace)
        return
    logger.warning("handler_failed", fault=line, **known)
    retries = handler.retries if handler else handling.DEFAULT_RETRIES
    wait_s = retries.wait_s(
        failed=current.number,
        chance=random.random(),  # noqa: S311
        at_least_s=_asked_wait_s(fault),
    )
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, [line, wait_s, current.delivery_id])


def _asked_wait_s(fault: BaseException) -> float:
    if isinstance(fault, UnknownHandlerError):
        return UNKNOWN_AGAIN_AFTER_S
    return float((isinstance(fault, UpstreamError) and fault.retry_after_s) or 0)


def _give_up(current: Try, *, tries: int, reason: str, trace: str = "") -> None:
    try:
        content = _read(current)[1].as_wire()
    except (DeadLetter.DoesNotExist, LookupError, TypeError, ValueError):
        content = {"position": current.position}
    dead_letters.give_up(
        delivery_id=current.delivery_id, content=content, tries=tries, reason=reason, trace=trace
    )


@contextmanager
def _traced(traceparent: str) -> Iterator[None]:
    """What the handler does belongs to the trace of the request that published the fact."""
    if propagate is None or not traceparent:
        yield
        return
    token = otel_context.attach(propagate.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        otel_context.detach(token)
