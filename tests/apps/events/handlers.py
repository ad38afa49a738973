"""Handlers for tests, and running them as workers would, in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

from apps.events import delivery, dispatch, handling
from apps.events.handling import Handler
from apps.events.models import Delivery
from apps.events.types import Envelope, Fact, Retries
from tests.apps.events.rig import ThingChanged

Reaction = Callable[[Fact, Envelope], None]


@contextmanager
def handler(react: Reaction, *, name: str = "tests.react", tries: int = 5) -> Iterator[Handler]:
    """Inside the block this is the only handler, and it begins with the next facts."""
    known = Handler(
        name=name, facts=(ThingChanged,), react=react, wants_envelope=True, queue="default",
        timeout_s=60, retries=Retries(tries=tries),
    )  # fmt: skip
    with handling.only(known):
        with connection.cursor() as cursor:
            cursor.execute(dispatch._BEGIN, [[name]])
        yield known


def plan() -> None:
    """What a dispatcher writes down, on the connection and in the transaction of the test."""
    connection.ensure_connection()
    while dispatch.plan(connection.connection):
        pass


def run_due() -> list[UUID]:
    """One try of all that is owed, whether its time has come or not; returns the facts."""
    owed = Delivery.objects.filter(state__in=["waiting", "sent", "running"]).order_by("position")
    rows = list(owed.values_list("event_id", "handler"))
    for event_id, name in rows:
        delivery.deliver(event_id=event_id, handler_name=name)
    return [event_id for event_id, _ in rows]
