from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.auth.models import RolePermission
from apps.auth.types import RoleName
from apps.events import admin
from apps.events.models import DeadLetter, Delivery, LoggedFact
from apps.events.types import Envelope, Fact
from tests.apps.events.handlers import handler, plan, run_due
from tests.apps.events.rig import change, move
from tests.factories.auth import make_user

pytestmark = pytest.mark.django_db

OUTBOX = "/admin/events/outboxfact/"
LOG = "/admin/events/loggedfact/"


class TestPages:
    def test_the_outbox_shows_what_waits(self, admin_client: Client) -> None:
        change(thing=4711)
        assert "4711" in admin_client.get(OUTBOX).content.decode()

    def test_the_log_is_searched_by_id_and_filtered_by_type(self, admin_client: Client) -> None:
        ids = [change(thing=thing) for thing in (4711, 4712)]
        move()
        found = admin_client.get(LOG, {"q": str(ids[1])}).content.decode()
        assert "4712" in found
        assert "4711" not in found
        assert "4711" in admin_client.get(LOG, {"type": "thing.changed"}).content.decode()
        assert "4711" not in admin_client.get(LOG, {"type": "user.created"}).content.decode()
        assert admin_client.get(LOG, {"q": "no id"}).status_code == 200

    def test_the_log_is_never_counted_whole(self, admin_client: Client) -> None:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert admin_client.get(LOG).status_code == 200
        counts = [q["sql"] for q in queries if "COUNT(" in q["sql"] and "events_log" in q["sql"]]
        assert [sql for sql in counts if "LIMIT" not in sql or "position" not in sql] == []

    def test_a_fact_can_be_read_but_not_changed(self, admin_client: Client) -> None:
        change(thing=4711)
        move()
        page = f"{LOG}{LoggedFact.objects.get().position}/"
        assert "4711" in admin_client.get(f"{page}change/").content.decode()
        for address in (f"{page}change/", f"{page}delete/", f"{LOG}add/", f"{OUTBOX}add/"):
            assert admin_client.post(address, {"type": "x"}).status_code == 403

    def test_older_facts_than_the_newest_are_found_by_id_alone(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(admin, "WINDOW", 1)
        ids = [change(thing=thing) for thing in (4711, 4712)]
        move()
        assert "4711" not in admin_client.get(LOG).content.decode()
        assert "4711" in admin_client.get(LOG, {"q": str(ids[0])}).content.decode()


class TestDeliveries:
    @pytest.fixture
    def given_up(self) -> UUID:
        """A fact at which a handler has failed in all its tries."""

        def react(fact: Fact, envelope: Envelope) -> None:
            raise ValueError("poison")

        with handler(react):
            event_id = change(thing=4711)
            move()
            plan()
            for _ in range(5):
                run_due()
        return event_id

    def test_of_a_fact_stand_on_its_page(self, admin_client: Client, given_up: UUID) -> None:
        page = admin_client.get(f"{LOG}{LoggedFact.objects.get().position}/change/")
        assert "tests.react" in page.content.decode()
        assert "ValueError: poison" in page.content.decode()
        assert str(given_up) in admin_client.get("/admin/events/delivery/").content.decode()

    def test_show_how_far_handlers_and_relays_are(
        self, admin_client: Client, given_up: UUID
    ) -> None:
        change()
        move()
        page = admin_client.get("/admin/events/handlercursor/").content.decode()
        assert "tests.react" in page
        assert '<td class="field-behind' in page
        assert admin_client.get("/admin/events/relaybeat/").status_code == 200

    def test_that_died_are_sent_again_by_an_action(
        self, admin_client: Client, given_up: UUID
    ) -> None:
        letters = "/admin/events/deadletter/"
        assert "ValueError: poison" in admin_client.get(letters).content.decode()
        letter = DeadLetter.objects.get()
        form = {"action": "redrive", "_selected_action": [str(letter.pk)]}
        answers = [admin_client.post(letters, form, follow=True) for _ in range(2)]
        assert "1 sent again." in answers[0].content.decode()
        assert "0 sent again." in answers[1].content.decode()
        assert Delivery.objects.get().state == "waiting"

    def test_are_not_sent_again_without_the_permission(self, client: Client) -> None:
        letter = DeadLetter.objects.create(
            queue="default", task="x", content={}, reason="r", tries=5
        )
        RolePermission.objects.filter(permission_id="events.redrive").delete()
        client.force_login(make_user(roles=frozenset({RoleName.OPERATOR})))
        form = {"action": "redrive", "_selected_action": [str(letter.pk)]}
        client.post("/admin/events/deadletter/", form)
        assert DeadLetter.objects.filter(redriven_at__isnull=True).count() == 1
