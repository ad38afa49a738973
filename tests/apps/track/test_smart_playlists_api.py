"""Smart playlists: their language, and whose eyes their tracks are found with."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Track, TrackLike
from apps.track.rules.smart import MAX_CONDITIONS, read_rules
from tests.factories.auth import client_of, make_user

pytestmark = pytest.mark.django_db

PLAYLISTS = "/api/v1/playlists"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_of(owner)


def make_track(owner: User, title: str, **told: Any) -> Track:
    fields = {"visibility": "public", "status": "ready", **told}
    return Track.objects.create(owner=owner, title=title, **fields)


def where(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def begin(client: APIClient, rules: object, **told: Any) -> str:
    body = {"title": "Smart", "visibility": "public", "rules": rules, **told}
    answer = client.post(PLAYLISTS, body, format="json")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def titles(client: APIClient, playlist: str, query: str = "") -> list[str]:
    found = client.get(f"{PLAYLISTS}/{playlist}/items{query}")
    assert found.status_code == 200, found.content
    return [item["track"]["title"] for item in found.json()["results"]]


class TestRules:
    @pytest.fixture(autouse=True)
    def _library(self, owner: User) -> None:
        lin = make_user(username="Lin")
        house = make_track(
            owner, "100% House_", artist="Mona", genre="House", bpm=124, musical_key="A minor",
            tags=["night"], duration_ms=200_000, play_count=9,
        )  # fmt: skip
        make_track(lin, "Rain", artist="Lin", genre="Ambient", album="Sky", duration_ms=100_000)
        old = make_track(owner, "Old", genre="Ambient", bpm=70, tags=["night", "rain"])
        Track.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
        TrackLike.objects.create(track=house, user=owner)

    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            (where("title", "contains", "%"), {"100% House_"}),
            (where("title", "contains", "_"), {"100% House_"}),
            (where("title", "starts_with", "ra"), {"Rain"}),
            (where("title", "not_contains", "o"), {"Rain"}),
            (where("title", "is", "' OR 1=1 --"), set()),
            (where("artist", "is", "MONA"), {"100% House_"}),
            (where("artist", "is_not", "mona"), {"Rain", "Old"}),
            (where("album", "is", "sky"), {"Rain"}),
            (where("genre", "is", "ambient"), {"Rain", "Old"}),
            (where("musical_key", "is", "a minor"), {"100% House_"}),
            (where("tag", "is", "Night"), {"100% House_", "Old"}),
            (where("tag", "is_not", "night"), {"Rain"}),
            (where("uploader", "is", "lin"), {"Rain"}),
            (where("uploader", "is_not", "lin"), {"100% House_", "Old"}),
            (where("uploader", "is", "nobody"), set()),
            (where("bpm", "gte", 124), {"100% House_"}),
            (where("bpm", "lt", 124), {"Old"}),
            (where("bpm", "is_not", 70), {"100% House_", "Rain"}),
            (where("duration_ms", "lte", 100_000), {"Rain"}),
            (where("plays", "gt", 8), {"100% House_"}),
            (where("created_at", "within_days", 30), {"100% House_", "Rain"}),
            (where("created_at", "before", "2100-01-01T00:00:00Z"), {"100% House_", "Rain", "Old"}),
            (where("created_at", "after", "2100-01-01T00:00:00+02:00"), set()),
            (where("liked", "is", True), {"100% House_"}),
            (where("liked", "is", False), {"Rain", "Old"}),
        ],
    )
    def test_choose(self, client: APIClient, condition: dict[str, Any], found: set[str]) -> None:
        assert set(titles(APIClient(), begin(client, {"all": [condition]}))) == found

    def test_are_joined_ordered_and_limited(self, client: APIClient) -> None:
        both = [where("genre", "is", "Ambient"), where("tag", "is", "night")]
        assert titles(client, begin(client, {"all": both})) == ["Old"]
        assert titles(client, begin(client, {"any": both, "ordering": "title"})) == [
            "100% House_", "Old", "Rain",
        ]  # fmt: skip
        nested = {"all": [{"any": both}, where("title", "contains", "a")]}
        assert titles(client, begin(client, nested)) == ["Rain"]
        most = begin(client, {"any": both, "ordering": "-bpm", "limit": 2})
        assert titles(client, most) == ["100% House_", "Old"]

    def test_page(self, client: APIClient) -> None:
        rules = {"any": [where("plays", "gte", 0)], "ordering": "-bpm"}
        path = f"{PLAYLISTS}/{begin(client, rules)}/items"
        first = client.get(f"{path}?limit=2").json()
        rest = client.get(first["next"].partition("testserver")[2]).json()
        shown = [item["track"]["title"] for item in first["results"] + rest["results"]]
        assert shown == ["100% House_", "Old", "Rain"]
        assert client.get(f"{path}?ordering=title").status_code == 400

    @pytest.mark.parametrize(
        ("rules", "fields"),
        [
            ([], ["rules"]),
            ({}, ["rules"]),
            ({"all": []}, ["rules.all"]),
            ({"all": {}}, ["rules.all"]),
            ({"all": [1]}, ["rules.all.0"]),
            ({"all": [where("password", "is", "x")]}, ["rules.all.0.field"]),
            ({"all": [where("owner__email", "is", "x")]}, ["rules.all.0.field"]),
            ({"all": [where("title", "regex", "x")]}, ["rules.all.0.op"]),
            ({"all": [where("title", "is", 1)]}, ["rules.all.0.value"]),
            ({"all": [where("title", "is", "x" * 201)]}, ["rules.all.0.value"]),
            ({"all": [where("bpm", "gt", "1")]}, ["rules.all.0.value"]),
            ({"all": [where("bpm", "gt", True)]}, ["rules.all.0.value"]),
            ({"all": [where("bpm", "gt", 1e300)]}, ["rules.all.0.value"]),
            ({"all": [where("liked", "is", "yes")]}, ["rules.all.0.value"]),
            (
                {"all": [where("created_at", "before", "2026-01-01T00:00:00")]},
                ["rules.all.0.value"],
            ),
            ({"all": [where("created_at", "within_days", 0)]}, ["rules.all.0.value"]),
            (
                {"all": [where("title", "is", "x") | {"extra": 1}], "limit": 501, "ordering": "x"},
                ["rules.all.0.extra", "rules.limit", "rules.ordering"],
            ),
        ],
    )
    def test_say_where_they_are_wrong(
        self, client: APIClient, rules: object, fields: list[str]
    ) -> None:
        answer = client.post(PLAYLISTS, {"title": "x", "rules": rules}, format="json")
        assert answer.status_code == 400
        assert sorted(fault["field"] for fault in answer.json()["errors"]) == fields

    def test_are_bounded(self, client: APIClient) -> None:
        deep: dict[str, Any] = {"all": [where("title", "is", "x")]}
        for _ in range(4):
            deep = {"any": [deep]}
        wide = {"any": [where("title", "is", "x")] * (MAX_CONDITIONS + 1)}
        for rules in (deep, wide):
            answer = client.post(PLAYLISTS, {"title": "x", "rules": rules}, format="json")
            assert answer.status_code == 400
            assert len(answer.json()["errors"]) == 1

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["all", "any", "field", "op", "value", "limit", "ordering", "x"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=10,
        )
    )
    def test_are_read_or_refused_whatever_they_are(self, value: object) -> None:
        rules, faults = read_rules(value)
        assert (rules is None) == bool(faults)


class TestReaders:
    def test_see_what_they_may_come_upon(self, client: APIClient, owner: User) -> None:
        make_track(owner, "public")
        make_track(owner, "private", visibility="private")
        make_track(owner, "unlisted", visibility="unlisted")
        make_track(owner, "unready", status="processing")
        playlist = begin(client, {"any": [where("plays", "gte", 0)], "ordering": "title"})
        stranger = make_user(username="lin")
        make_track(stranger, "strangers own", visibility="private")
        assert titles(client, playlist) == ["private", "public", "unlisted"]
        assert titles(APIClient(), playlist) == ["public"]
        assert titles(client_of(stranger), playlist) == ["public", "strangers own"]

    def test_are_told_no_counts(self, client: APIClient) -> None:
        body = client.get(f"{PLAYLISTS}/{begin(client, {'any': [where('plays', 'gt', 1)]})}").json()
        assert (body["item_count"], body["duration_ms"]) == (None, None)
        assert body["rules"] == {"any": [where("plays", "gt", 1)]}


class TestItems:
    def test_cannot_be_changed(self, client: APIClient, owner: User) -> None:
        track = make_track(owner, "x")
        path = f"{PLAYLISTS}/{begin(client, {'any': [where('plays', 'gte', 0)]})}/items"
        answers = [
            client.post(path, {"track_id": str(track.id)}, format="json"),
            client.patch(f"{path}/{track.id}", {"after": None}, format="json"),
            client.delete(f"{path}/{track.id}"),
        ]
        assert {answer.status_code for answer in answers} == {409}
        assert {answer.json()["code"] for answer in answers} == {"playlist_is_smart"}

    def test_and_rules_do_not_go_together(self, client: APIClient, owner: User) -> None:
        track = make_track(owner, "x")
        rules = {"any": [where("plays", "gte", 0)]}
        path = f"{PLAYLISTS}/{begin(client, None)}"
        body = {"track_id": str(track.id)}
        assert client.post(f"{path}/items", body, format="json").status_code == 201
        answer = client.patch(path, {"rules": rules}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "playlist_not_empty")

    def test_may_stand_in_what_was_smart(self, client: APIClient, owner: User) -> None:
        track = make_track(owner, "x")
        path = f"{PLAYLISTS}/{begin(client, {'any': [where('plays', 'gt', 5)]})}"
        changed = client.patch(path, {"rules": {"any": [where("plays", "gte", 0)]}}, format="json")
        assert changed.json()["rules"]["any"][0]["op"] == "gte"
        assert client.patch(path, {"rules": None}, format="json").json()["item_count"] == 0
        body = {"track_id": str(track.id)}
        assert client.post(f"{path}/items", body, format="json").status_code == 201
