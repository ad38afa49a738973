from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.events import selectors, services
from apps.events.models import OutboxFact
from apps.events.types import Actor, Subject
from tests.apps.events.rig import ThingChanged, change, eventually, outbox_is_empty, relay_thread

pytestmark = pytest.mark.django_db(transaction=True)


def age_the_outbox(*, by_s: int) -> None:
    OutboxFact.objects.update(occurred_at=timezone.now() - timedelta(seconds=by_s))


class TestRelayStatus:
    def test_is_down_without_a_relay(self) -> None:
        status = selectors.relay_status()
        assert (status.state, status.oldest_unsent_s) == ("down", 0)
        assert "manage.py relay" in status.detail

    def test_is_up_while_one_runs_and_down_as_soon_as_it_has_ended(self) -> None:
        with relay_thread():
            eventually(lambda: selectors.relay_status().state == "up")
        assert selectors.relay_status().state == "down"

    def test_is_down_when_the_last_sign_of_life_is_old(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO events_relay VALUES ('frozen', now() - interval '6 seconds', 0)"
            )
        assert selectors.relay_status().state == "down"

    def test_is_degraded_when_facts_wait(self) -> None:
        change()
        age_the_outbox(by_s=60)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO events_relay VALUES ('busy', now(), 0)")
        status = selectors.relay_status()
        assert status.state == "degraded"
        assert 60 <= status.oldest_unsent_s < 90

    def test_tells_how_long_facts_waited(self) -> None:
        change()
        age_the_outbox(by_s=60)
        with relay_thread():
            eventually(lambda: selectors.relay_status().lag_s >= 60)


class TestOutboxBacklog:
    def test_counts_what_is_not_in_the_log_yet(self) -> None:
        change()
        change()
        assert (selectors.outbox_backlog(), selectors.log_head()) == (2, 0)
        with relay_thread():
            eventually(outbox_is_empty)
        assert (selectors.outbox_backlog(), selectors.log_head()) == (0, 2)


class TestListEnvelopes:
    def move(self, *, facts: int) -> list[UUID]:
        with relay_thread():
            ids = [change(step=step) for step in range(facts)]
            eventually(outbox_is_empty)
        return ids

    def test_follow_the_position_in_order_and_no_more_than_asked(self) -> None:
        ids = self.move(facts=5)
        found = selectors.list_envelopes(after=1, limit=3)
        assert [envelope.id for envelope in found] == ids[1:4]
        assert [envelope.position for envelope in found] == [2, 3, 4]
        assert selectors.list_envelopes(after=5, limit=3) == []

    def test_hold_what_was_published(self) -> None:
        actor = Actor(type="system", id="beat")
        with relay_thread():
            with transaction.atomic():
                services.publish(
                    ThingChanged(step=4),
                    subject=Subject(type="thing", id="7"),
                    rooms=["public"],
                    actor=actor,
                )
            eventually(outbox_is_empty)
        [envelope] = selectors.list_envelopes(after=0, limit=1)
        assert (envelope.type, envelope.version, envelope.data) == ("thing.changed", 1, {"step": 4})
        assert (envelope.subject, envelope.actor) == (Subject(type="thing", id="7"), actor)
        assert (envelope.position, envelope.rooms) == (1, ("public",))
        assert envelope.epoch
        assert abs(timezone.now() - envelope.time) < timedelta(minutes=1)

    @pytest.mark.parametrize("limit", [0, -1, selectors.MAX_ENVELOPES + 1])
    def test_a_limit_out_of_bounds_is_refused(self, limit: int) -> None:
        with pytest.raises(ValueError, match="Ask for 1 to 10000"):
            selectors.list_envelopes(after=0, limit=limit)
