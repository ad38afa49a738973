from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import transaction
from opentelemetry.sdk.trace import TracerProvider

from apps.events import services
from apps.events.errors import (
    OutsideTransactionError,
    UndeclaredRoomError,
    UnregisteredFactError,
)
from apps.events.models import OutboxFact
from apps.events.types import Actor, Fact, Subject
from tests.apps.events.rig import ThingChanged, change
from veza.kit.context import bind_request_id

SUBJECT = Subject(type="thing", id="7")


@dataclass(frozen=True, kw_only=True)
class ThingForgotten(Fact):
    name: ClassVar[str] = "thing.forgotten"
    about: ClassVar[str] = "No app declares this."


@pytest.mark.django_db
class TestPublish:
    def test_stores_what_the_envelope_needs(self) -> None:
        with bind_request_id("req-1"):
            fact_id = services.publish(
                ThingChanged(step=3),
                subject=SUBJECT,
                rooms=["thing:7", "public"],
                actor=Actor(type="user", id="42"),
            )
        row = OutboxFact.objects.get()
        assert (row.event_id, row.event_id.version) == (fact_id, 7)
        assert (row.type, row.version, row.payload) == ("thing.changed", 1, {"step": 3})
        assert (row.aggregatetype, row.aggregateid) == ("thing", "7")
        assert row.rooms == ["thing:7", "public"]
        assert row.actor == {"type": "user", "id": "42"}
        assert row.request_id == "req-1"

    def test_carries_the_trace_of_the_current_span(self) -> None:
        tracer = TracerProvider().get_tracer("test")
        with tracer.start_as_current_span("request") as span:
            services.publish(ThingChanged(step=1), subject=SUBJECT)
        assert format(span.get_span_context().trace_id, "032x") in OutboxFact.objects.get().trace

    def test_a_fact_that_no_app_declares_is_refused(self) -> None:
        with pytest.raises(UnregisteredFactError, match=r"events\.py"):
            services.publish(ThingForgotten(), subject=SUBJECT)

    @pytest.mark.parametrize("room", ["order:7", "thing:", "publicity", ""])
    def test_a_room_that_the_fact_does_not_name_is_refused(self, room: str) -> None:
        with pytest.raises(UndeclaredRoomError, match=r"ThingChanged\.rooms"):
            services.publish(ThingChanged(step=1), subject=SUBJECT, rooms=[room])
        assert not OutboxFact.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestPublishAndTransactions:
    def test_is_refused_outside_of_one(self) -> None:
        with pytest.raises(OutsideTransactionError, match=r"transaction\.atomic"):
            services.publish(ThingChanged(step=1), subject=SUBJECT)
        assert not OutboxFact.objects.exists()

    def test_leaves_nothing_when_it_is_rolled_back(self) -> None:
        with transaction.atomic():
            services.publish(ThingChanged(step=1), subject=SUBJECT)
            transaction.set_rollback(True)
        change(step=2)
        assert [row.payload for row in OutboxFact.objects.all()] == [{"step": 2}]
