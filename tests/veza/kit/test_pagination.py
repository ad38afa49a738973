from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django_celery_beat.models import PeriodicTask
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.veza.kit.conftest import assert_problem
from veza.kit.api.cursors import Cursor, encode_cursor

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_tasks(*rows: dict[str, Any]) -> list[PeriodicTask]:
    made: list[PeriodicTask] = PeriodicTask.objects.bulk_create(
        [
            PeriodicTask(task="x", **{"name": f"task {number}", **row})
            for number, row in enumerate(rows)
        ]
    )
    return made


def pages(client: Client, url: str, *, link: str = "next") -> list[list[int]]:
    """The ids on each page, from `url` to where no link leads on."""
    found = []
    following: str | None = url
    while following:
        document = client.get(following).json()
        found.append([row["id"] for row in document["results"]])
        following = document[link]
        assert len(found) < 100
    return found


ORDERINGS = ["name", "expires", "seconds", "runs", "changed"]
ROW = st.fixed_dictionaries(
    {
        "expires": st.none() | st.integers(0, 3).map(lambda days: START + timedelta(days=days)),
        "expire_seconds": st.none() | st.integers(0, 2),
        "total_run_count": st.integers(0, 2),
    }
)


@override_settings(ROOT_URLCONF="tests.veza.kit.urls", RATE_LIMIT_PER_MINUTE=1_000_000)
class TestEveryList(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(
        rows=st.lists(ROW, max_size=8),
        ordering=st.sampled_from(ORDERINGS + [f"-{name}" for name in ORDERINGS]),
        limit=st.integers(1, 4),
    )
    def test_shows_each_row_once_in_order_both_ways(
        self, rows: list[dict[str, Any]], ordering: str, limit: int
    ) -> None:
        made = make_tasks(*rows)
        url = f"/api/v1/tasks?ordering={ordering}&limit={limit}"
        forward = pages(self.client, url)
        flat = [row_id for page in forward for row_id in page]
        assert sorted(flat) == sorted(row.pk for row in made)
        assert all(len(page) == limit for page in forward[:-1])
        assert flat == expected_order(ordering)

        last = self.client.get(url)
        while last.json()["next"]:
            last = self.client.get(last.json()["next"])
        backward = [[row["id"] for row in last.json()["results"]]]
        if last.json()["previous"]:
            backward += pages(self.client, last.json()["previous"], link="previous")
        assert backward == forward[::-1]


def expected_order(ordering: str) -> list[int]:
    column = {
        "name": "name",
        "expires": "expires",
        "seconds": "expire_seconds",
        "runs": "total_run_count",
        "changed": "date_changed",
    }[ordering.removeprefix("-")]
    rows = list(PeriodicTask.objects.values_list(column, "pk"))
    known = [row for row in rows if row[0] is not None]
    unknown = [row for row in rows if row[0] is None]
    is_descending = ordering.startswith("-")
    return [
        pk
        for part in (known, unknown)
        for _, pk in sorted(
            part, key=lambda row: row if row[0] is not None else row[1], reverse=is_descending
        )
    ]


@pytest.mark.django_db
class TestPages:
    def test_hold_twenty_unless_asked_otherwise(self, client: Client) -> None:
        make_tasks(*[{}] * 25)
        document = client.get("/api/v1/tasks").json()
        assert set(document) == {"results", "next", "previous"}
        assert len(document["results"]) == 20
        assert document["previous"] is None

    def test_neither_repeat_nor_miss_rows_while_others_are_added(self, client: Client) -> None:
        made = make_tasks(*[{"name": f"b{number}"} for number in range(6)])
        first = client.get("/api/v1/tasks?ordering=name&limit=3").json()
        make_tasks({"name": "a"}, {"name": "b00"}, {"name": "z"})
        rest = pages(client, first["next"])
        ids = [row["id"] for row in first["results"]] + [pk for page in rest for pk in page]
        assert ids[:6] == [row.pk for row in made]

    def test_go_on_when_the_row_at_the_edge_is_gone(self, client: Client) -> None:
        made = make_tasks(*[{"name": f"b{number}"} for number in range(4)])
        first = client.get("/api/v1/tasks?ordering=name&limit=2").json()
        made[1].delete()
        assert pages(client, first["next"]) == [[made[2].pk, made[3].pk]]

    def test_are_linked_with_all_that_was_asked(self, client: Client) -> None:
        make_tasks(*[{}] * 3)
        response = client.get("/api/v1/tasks?limit=2&ordering=name&tag=a%26b&tag=c")
        url = response.json()["next"]
        assert url.startswith("http://testserver/api/v1/tasks?")
        assert "limit=2" in url
        assert "tag=a%26b&tag=c" in url
        assert response["Link"] == f'<{url}>; rel="next"'

    def test_are_linked_below_the_public_address(self, client: Client) -> None:
        make_tasks(*[{}] * 3)
        with override_settings(LINK_BASE="https://api.veza.example"):
            url = client.get("/api/v1/tasks?limit=2", headers={"host": "evil.example"}).json()[
                "next"
            ]
        assert url.startswith("https://api.veza.example/api/v1/tasks?")

    def test_of_another_ordering_or_list_do_not_fit(self, client: Client) -> None:
        make_tasks(*[{}] * 3)
        url = client.get("/api/v1/tasks?limit=2&ordering=name").json()["next"]
        other = url.replace("ordering=name", "ordering=-name")
        assert_problem(client.get(other), 400, "cursor_invalid")
        foreign = encode_cursor(
            Cursor(list_name="accounts.user:name", is_backward=False, value="a", row_id=1)
        )
        response = client.get("/api/v1/tasks", {"ordering": "name", "cursor": foreign})
        assert_problem(response, 400, "cursor_invalid")

    def test_changed_cursors_do_not_fit(self, client: Client) -> None:
        make_tasks(*[{}] * 3)
        url, _, cursor = client.get("/api/v1/tasks?limit=2").json()["next"].rpartition("cursor=")
        for place in range(0, len(cursor), 5):
            changed = "B" if cursor[place] == "A" else "A"
            response = client.get(f"{url}cursor={cursor[:place]}{changed}{cursor[place + 1 :]}")
            assert_problem(response, 400, "cursor_invalid")

    def test_cost_one_query(self, client: Client, django_assert_num_queries: Any) -> None:
        make_tasks(*[{}] * 30)
        url = client.get("/api/v1/tasks").json()["next"]
        with django_assert_num_queries(1):
            client.get(url)
