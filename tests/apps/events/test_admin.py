import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.events import admin
from apps.events.models import LoggedFact
from tests.apps.events.rig import change, move

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
