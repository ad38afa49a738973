"""Facts for handlers: once in effect, tried again, given up, sent again."""

import json
import random
import threading
from collections.abc import Callable
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.events import delivery, handling, registry, selectors
from apps.events.errors import HandlerError
from apps.events.models import DeadLetter, Delivery, LoggedFact
from apps.events.types import Envelope, Fact, Retries
from tests.apps.events.handlers import handler, plan, run_due
from tests.apps.events.rig import ThingChanged, change, move
from tests.patience import PATIENCE_S
from veza.kit.context import current_request_id
from veza.kit.errors import UpstreamError


class Seen:
    """A reaction that remembers, and fails while it is told to."""

    def __init__(self, fault: Callable[[], Exception] | None = None) -> None:
        self.ids: list[UUID] = []
        self.fault = fault
        self.request_ids: list[str] = []

    def __call__(self, fact: Fact, envelope: Envelope) -> None:
        self.request_ids.append(current_request_id())
        if self.fault is not None:
            raise self.fault()
        self.ids.append(envelope.id)


def wait_of(event_id: UUID) -> float:
    """Seconds until the next try, from the last change on."""
    row = Delivery.objects.get(event_id=event_id)
    return (row.due_at - row.changed_at).total_seconds()


@pytest.mark.django_db(transaction=True)
class TestDelivery:
    def test_happens_once_for_each_fact_that_comes_after_the_handler(self) -> None:
        change(step=1)
        move()
        seen = Seen()
        with handler(seen):
            ids = [change(step=step) for step in (2, 3)]
            move()
            plan()
            plan()
            run_due()
            for event_id in ids:
                delivery.deliver(event_id=event_id, handler_name="tests.react")
        assert seen.ids == ids

    def test_hands_over_the_fact_as_it_was_published(self) -> None:
        got: list[tuple[Fact, Envelope]] = []
        with handler(lambda fact, envelope: got.append((fact, envelope))):
            event_id = change(thing=7, step=3)
            move()
            plan()
            run_due()
        [(fact, envelope)] = got
        assert fact == ThingChanged(step=3)
        assert (envelope.id, envelope.subject.id) == (event_id, "7")

    def test_of_a_failed_handler_leaves_no_effect_and_is_tried_later(self) -> None:
        def react(fact: Fact, envelope: Envelope) -> None:
            change(step=99)
            raise ValueError("no")

        with handler(react):
            event_id = change()
            move()
            plan()
            run_due()
        move()
        assert LoggedFact.objects.count() == 1
        row = Delivery.objects.get(event_id=event_id)
        assert (row.state, row.tries, row.fault) == ("waiting", 1, "ValueError: no")
        assert 1 <= wait_of(event_id) <= 3

    def test_honours_the_wait_for_which_a_failing_system_asks(self) -> None:
        with handler(Seen(lambda: UpstreamError(retry_after_s=120))):
            event_id = change()
            move()
            plan()
            run_due()
        assert 120 <= wait_of(event_id) <= 132

    def test_that_two_workers_got_is_done_by_one(self) -> None:
        started, both = threading.Barrier(2), []

        def react(fact: Fact, envelope: Envelope) -> None:
            both.append(envelope.id)

        def work(event_id: UUID) -> None:
            started.wait(PATIENCE_S)
            delivery.deliver(event_id=event_id, handler_name="tests.react")
            connection.close()

        with handler(react):
            ids = [change(step=step) for step in range(20)]
            move()
            plan()
            for event_id in ids:
                threads = [threading.Thread(target=work, args=[event_id]) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        assert both == ids

    def test_without_a_row_owes_nothing(self) -> None:
        seen = Seen()
        with handler(seen):
            delivery.deliver(event_id=uuid4(), handler_name="tests.react")
        assert seen.ids == []

    def test_of_a_fact_or_handler_that_a_worker_does_not_know_waits_for_one_that_does(self) -> None:
        with handler(Seen()):
            event_id = change()
            move()
            plan()
        delivery.deliver(event_id=event_id, handler_name="tests.react")
        row = Delivery.objects.get(event_id=event_id)
        assert "knows no handler tests.react" in row.fault
        assert wait_of(event_id) >= 30


@pytest.mark.django_db(transaction=True)
class TestDeadLetters:
    @pytest.fixture
    def seen(self) -> Seen:
        return Seen(lambda: ValueError("poison"))

    def give_up(self, seen: Seen, *, facts: int = 1) -> list[UUID]:
        ids = [change(step=step) for step in range(facts)]
        move()
        plan()
        for _ in range(5):
            run_due()
        return ids

    def test_hold_the_reason_the_traceback_and_the_fact(self, seen: Seen) -> None:
        with handler(seen):
            [event_id] = self.give_up(seen)
            assert run_due() == []
        letter = DeadLetter.objects.get()
        assert (letter.event_id, letter.handler, letter.tries) == (event_id, "tests.react", 5)
        assert letter.reason == "ValueError: poison"
        assert "Traceback" in letter.traceback
        assert letter.content["data"] == {"step": 0}
        assert selectors.dispatch_status().dead_letters == {"default": 1}

    def test_take_in_what_never_came_back_from_its_tries(self) -> None:
        seen = Seen()
        with handler(seen, tries=2):
            event_id = change()
            move()
            plan()
            Delivery.objects.filter(event_id=event_id).update(state="running", tries=2)
            run_due()
        assert seen.ids == []
        assert "took its worker down" in DeadLetter.objects.get().reason

    def test_are_sent_again_once(self, seen: Seen) -> None:
        with handler(seen):
            ids = self.give_up(seen, facts=3)
            seen.fault = None
            out = StringIO()
            call_command("redrive", "--handler", "tests.react", "--json", stdout=out)
            call_command("redrive", "--all", "--json", stdout=out)
            first, second = [json.loads(line) for line in out.getvalue().splitlines()]
            assert (first["count"], second) == (3, {"redriven": [], "count": 0})
            run_due()
            run_due()
        assert seen.ids == ids
        assert selectors.dispatch_status().dead_letters == {}

    def test_are_chosen_by_handler_type_and_id(self, seen: Seen) -> None:
        with handler(seen):
            ids = self.give_up(seen, facts=2)
        for choice, count in (
            (["--handler", "tests.other"], 0), (["--type", "user.created"], 0),
            (["--id", str(ids[0])], 1), (["--type", "thing.changed"], 1),
        ):  # fmt: skip
            out = StringIO()
            call_command("redrive", *choice, stdout=out)
            assert out.getvalue() == f"{count} sent again.\n"

    def test_die_again_when_nothing_was_repaired(self, seen: Seen) -> None:
        with handler(seen):
            self.give_up(seen)
            call_command("redrive", "--all", stdout=StringIO())
            for _ in range(5):
                run_due()
        assert DeadLetter.objects.filter(redriven_at__isnull=True).count() == 1
        assert DeadLetter.objects.count() == 2

    def test_outlive_the_fact_in_the_log(self, seen: Seen) -> None:
        with handler(seen):
            ids = self.give_up(seen)
            LoggedFact.objects.all().delete()
            Delivery.objects.all().delete()
            seen.fault = None
            call_command("redrive", "--all", stdout=StringIO())
            run_due()
        assert seen.ids == ids

    def test_are_not_sent_again_all_by_mistake(self) -> None:
        with pytest.raises(CommandError, match="--all"):
            call_command("redrive")
        with pytest.raises(CommandError, match="alone"):
            call_command("redrive", "--all", "--type", "thing.changed")


class TestRetries:
    """P20."""

    def test_wait_longer_each_time_spread_evenly_around_their_schedule(self) -> None:
        retries = Retries()
        chance = random.Random(0)
        for failed, step in ((1, 2), (2, 8), (3, 32), (4, 128)):
            waits = [retries.wait_s(failed=failed, chance=chance.random()) for _ in range(200)]
            assert all(0.5 * step <= wait <= 1.5 * step for wait in waits)
            assert gap_to_even([wait / step - 0.5 for wait in waits]) < 1.63 / 200**0.5

    def test_have_a_longest_wait(self) -> None:
        assert Retries(longest_s=100).wait_s(failed=9, chance=1) == 150

    def test_are_not_sooner_than_asked(self) -> None:
        assert Retries().wait_s(failed=1, chance=0, at_least_s=60) == 60

    def test_that_march_in_step_would_be_seen(self) -> None:
        assert gap_to_even([0.5] * 200) > 1.63 / 200**0.5


def gap_to_even(values: list[float]) -> float:
    """The statistic of Kolmogorov and Smirnov; above 1.63 / sqrt(n) evenness has p < 0.01."""
    ordered, n = sorted(values), len(values)
    return max(max((nth + 1) / n - value, value - nth / n) for nth, value in enumerate(ordered))


class TestHandles:
    def test_names_a_handler_by_app_and_function(self) -> None:
        with handling.only():

            @registry.handles(ThingChanged, timeout_s=5)
            def tell_somebody(fact: ThingChanged) -> None: ...

            [known] = handling.registered()
        assert (known.name, known.timeout_s) == ("tests.tell_somebody", 5)
        assert not known.wants_envelope

    def test_refuses_what_cannot_work(self) -> None:
        def react(fact: ThingChanged) -> None: ...

        def none() -> None: ...

        def again(fact: ThingChanged) -> None: ...

        again.__name__ = "react"
        with handling.only():
            registry.handles(ThingChanged)(react)
            with pytest.raises(HandlerError, match="declared twice"):
                registry.handles(ThingChanged)(again)
            with pytest.raises(HandlerError, match="name the facts"):
                registry.handles()(again)
            with pytest.raises(HandlerError, match="no worker takes"):
                registry.handles(ThingChanged, queue="nowhere")(again)
            with pytest.raises(HandlerError, match="takes the fact"):
                registry.handles(ThingChanged)(none)
