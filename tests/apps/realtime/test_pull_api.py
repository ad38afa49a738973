"""`GET /api/v1/events`: the log as a list."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from apps.events import registry, services
from apps.events.types import Subject
from tests.apps.events.rig import ThingChanged, move
from tests.factories.auth import client_of, make_user
from veza.kit.models import new_id

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/events"


@pytest.fixture(autouse=True)
def _thing_changed_is_registered() -> Any:
    with registry.including(ThingChanged):
        yield


def publish(step: int, *rooms: str) -> str:
    with transaction.atomic():
        return str(
            services.publish(
                ThingChanged(step=step),
                subject=Subject(type="thing", id="1"),
                rooms=list(rooms or ["public"]),
            )
        )


def publish_all(count: int, *rooms: str) -> list[str]:
    ids = [publish(step, *rooms) for step in range(count)]
    move()
    return ids


def ids_of(answer: Any) -> list[str]:
    return [fact["id"] for fact in answer.json()["results"]]


class TestList:
    def test_gives_envelopes_oldest_first(self, api_client: APIClient) -> None:
        ids = publish_all(3)
        answer = api_client.get(EVENTS)
        assert answer.status_code == 200
        assert ids_of(answer) == ids
        assert answer.json()["results"][0] | {"time": None, "epoch": None} == {
            "id": ids[0], "type": "thing.changed", "version": 1, "time": None,
            "subject": {"type": "thing", "id": "1"}, "actor": None, "data": {"step": 0},
            "position": 1, "epoch": None, "room": "public",
        }  # fmt: skip

    def test_is_read_page_by_page_in_both_directions(self, api_client: APIClient) -> None:
        ids = publish_all(5)
        pages, url = [], f"{EVENTS}?limit=2"
        while url:
            pages.append(answer := api_client.get(url))
            url = answer.json()["next"]
        assert [ids_of(page) for page in pages] == [ids[:2], ids[2:4], ids[4:]]
        assert ids_of(api_client.get(pages[2].json()["previous"])) == ids[2:4]
        first = api_client.get(pages[1].json()["previous"])
        assert ids_of(first) == ids[:2]
        assert first.json()["previous"] is None

    def test_goes_on_after_the_cursor_also_when_there_was_nothing(
        self, api_client: APIClient
    ) -> None:
        assert api_client.get(EVENTS).json() == {
            "results": [], "next": None, "previous": None, "cursor": None,
        }  # fmt: skip
        ids = publish_all(2)
        cursor = api_client.get(EVENTS).json()["cursor"]
        empty = api_client.get(EVENTS, {"after": cursor}).json()
        assert empty["results"] == []
        assert empty["cursor"] == cursor == ids[-1]
        publish_all(3, "user:somebody")  # facts that this client may not see
        quiet = api_client.get(EVENTS, {"after": cursor}).json()
        more = publish_all(1)
        assert ids_of(api_client.get(EVENTS, {"after": cursor})) == more
        assert ids_of(api_client.get(EVENTS, {"after": quiet["cursor"]})) == more

    def test_of_full_pages_loses_nothing_by_its_cursor(self, api_client: APIClient) -> None:
        ids = publish_all(7)
        seen, cursor = [], None
        for _ in range(4):
            answer = api_client.get(EVENTS, {"limit": 2} | ({"after": cursor} if cursor else {}))
            seen += ids_of(answer)
            cursor = answer.json()["cursor"]
        assert seen == ids

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "after=a&after=b"]
    )
    def test_refuses_what_makes_no_sense(self, api_client: APIClient, query: str) -> None:
        answer = api_client.get(f"{EVENTS}?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] in query


class TestRooms:
    def test_of_ones_own_are_open_to_oneself_alone(self, api_client: APIClient) -> None:
        user = make_user()
        [event_id] = publish_all(1, f"user:{user.pk}")
        room = {"rooms": f"user:{user.pk}"}
        refused = api_client.get(EVENTS, room)
        assert (refused.status_code, refused.json()["code"]) == (404, "room_not_found")
        assert event_id in ids_of(client_of(user).get(EVENTS, room))
        assert client_of(make_user()).get(EVENTS, room).status_code == 404

    def test_that_do_not_exist_answer_the_same(self, api_client: APIClient) -> None:
        for room in ("nowhere", "user:", "public:1", "p" * 300, "user:\x00", "user:é"):
            answer = api_client.get(EVENTS, {"rooms": room})
            assert answer.status_code in (400, 404), room

    def test_are_at_most_128(self, api_client: APIClient) -> None:
        many = ",".join(f"user:{number}" for number in range(129))
        answer = api_client.get(EVENTS, {"rooms": many})
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_rooms")

    def test_stand_between_commas_with_or_without_blanks(self, api_client: APIClient) -> None:
        ids = publish_all(2)
        for rooms in ("public", " public , metrics", "public,,metrics", ","):
            assert ids_of(api_client.get(EVENTS, {"rooms": rooms})) == ids

    def test_that_share_a_fact_show_it_once(self) -> None:
        user = make_user()
        [event_id] = publish_all(1, "public", f"user:{user.pk}")
        answer = client_of(user).get(EVENTS, {"rooms": f"user:{user.pk},public"})
        assert ids_of(answer).count(event_id) == 1
        assert {fact["room"] for fact in answer.json()["results"]} == {f"user:{user.pk}"}


class TestLostPlaces:
    def lost(self, api_client: APIClient, after: object) -> dict[str, Any]:
        answer = api_client.get(EVENTS, {"after": str(after)})
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor_lost")
        document: dict[str, Any] = answer.json()
        return document

    @pytest.mark.parametrize("after", ["", "x", "7" * 10_000, "-1", "1"])
    def test_that_are_no_ids_are_invalid(self, api_client: APIClient, after: str) -> None:
        publish_all(2)
        document = self.lost(api_client, after)
        assert (document["reason"], document["position"]) == ("invalid", 2)
        assert document["epoch"]

    def test_take_ids_in_the_form_that_streams_take(self, api_client: APIClient) -> None:
        [event_id] = publish_all(1)
        assert ids_of(api_client.get(EVENTS, {"after": event_id.upper()})) == []
        for other in (event_id.replace("-", ""), f"{{{event_id}}}", f"urn:uuid:{event_id}"):
            assert self.lost(api_client, other)["reason"] == "invalid"

    def test_of_facts_that_never_were_are_unknown(self, api_client: APIClient) -> None:
        publish_all(2)
        assert self.lost(api_client, new_id())["reason"] == "unknown"
        assert self.lost(api_client, uuid4())["reason"] == "unknown"

    def test_of_facts_from_before_the_log_have_expired(self, api_client: APIClient) -> None:
        ids = publish_all(5)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM events_log WHERE position <= 3")
        assert self.lost(api_client, UUID(ids[1]))["reason"] == "expired"
        assert ids_of(api_client.get(EVENTS, {"after": ids[3]})) == ids[4:]
