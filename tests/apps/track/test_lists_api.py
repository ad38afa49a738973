"""Lists of tracks: filters, the search, order, pages."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Track
from apps.track.services.tracks import words_of
from tests.factories.auth import client_of, make_user
from veza.kit.search import knows_alike

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def is_of_the_session(sql: str) -> bool:
    """Tests look a caller up each time; a process that remembers him does not."""
    return "accounts_session" in sql or "user_roles" in sql or "accounts_role" in sql


class TestList:
    @pytest.fixture
    def library(self, owner: User) -> None:
        for title, artist, genre, bpm, duration in [
            ("Midnight rain", "Mona", "Ambient", 70.0, 60_000),
            ("Café del mar", "José", "House", 122.0, 240_000),
            ("Morning light", "Mona", "House", 124.0, 180_000),
        ]:
            track = Track(
                owner=owner, title=title, artist=artist, genre=genre, bpm=bpm,
                duration_ms=duration, visibility="public", status="ready", tags=[genre.lower()],
            )  # fmt: skip
            track.words = words_of(track)
            track.save()

    def found(self, **query: Any) -> list[str]:
        answer = APIClient().get(TRACKS, query)
        assert answer.status_code == 200, answer.content
        return [each["title"] for each in answer.json()["results"]]

    @pytest.mark.usefixtures("library")
    @pytest.mark.parametrize(
        ("query", "titles"),
        [
            ({"search": "midn"}, {"Midnight rain"}),
            ({"search": "CAFE jose"}, {"Café del mar"}),
            ({"search": "mona hou"}, {"Morning light"}),
            ({"search": "!! & | :*"}, set()),
            ({"search": "none such"}, set()),
            ({"genre": "house"}, {"Café del mar", "Morning light"}),
            ({"tag": "Ambient"}, {"Midnight rain"}),
            ({"artist": "mona"}, {"Midnight rain", "Morning light"}),
            ({"uploader": "MONA", "bpm_min": 123}, {"Morning light"}),
            ({"uploader": "nobody"}, set()),
            ({"min_duration_ms": 100_000, "max_duration_ms": 200_000}, {"Morning light"}),
        ],
    )
    def test_filters(self, query: dict[str, Any], titles: set[str]) -> None:
        assert set(self.found(**query)) == titles

    @pytest.mark.usefixtures("library")
    def test_orders_and_pages(self) -> None:
        assert self.found(ordering="-duration_ms")[0] == "Café del mar"
        first = APIClient().get(f"{TRACKS}?ordering=title&limit=2").json()
        second = APIClient().get(path_of(first["next"])).json()
        titles = [each["title"] for each in first["results"] + second["results"]]
        assert titles == sorted(titles)
        assert "description" not in first["results"][0]
        assert "audio" not in first["results"][0]
        for bad in ("ordering=owner", "bpm_min=x", "limit=0", "search=" + "x" * 201):
            assert APIClient().get(f"{TRACKS}?{bad}").status_code == 400

    def test_shows_ones_own_in_every_state(self, owner: User) -> None:
        Track.objects.create(owner=owner, title="not yet")
        mine = client_of(owner).get(TRACKS, {"uploader": "me"}).json()["results"]
        assert [each["title"] for each in mine] == ["not yet"]
        assert APIClient().get(TRACKS, {"uploader": "me"}).json()["results"] == []

    def test_search_puts_the_best_first_and_pages_on(self, owner: User) -> None:
        for n in range(3):
            self.add(owner, f"Rain {n}")
        self.add(owner, "Other", genre="Rain")
        self.add(owner, "Morning", artist="Rain")
        best = ["Rain 2", "Rain 1", "Rain 0", "Morning", "Other"]
        assert self.found(search="rain") == best
        first = APIClient().get(f"{TRACKS}?search=rain&limit=2").json()
        self.add(owner, "Rain 3")
        second = APIClient().get(path_of(first["next"])).json()
        third = APIClient().get(path_of(second["next"])).json()
        pages = first["results"] + second["results"] + third["results"]
        assert [each["title"] for each in pages] == best
        assert self.found(search="rain", ordering="title")[0] == "Morning"

    def test_search_finds_what_is_alike_when_nothing_holds_the_words(self, owner: User) -> None:
        for n in range(3):
            self.add(owner, f"Midnight {n}")
        self.add(owner, "Unlike")
        first = APIClient().get(f"{TRACKS}?search=midnihgt&limit=2").json()
        if not knows_alike():  # the embedded PostgreSQL has no trigrams
            assert (first["results"], first["next"]) == ([], None)
            return
        assert "similar=true" in first["next"]
        second = APIClient().get(path_of(first["next"])).json()
        titles = [each["title"] for each in first["results"] + second["results"]]
        assert sorted(titles) == ["Midnight 0", "Midnight 1", "Midnight 2"]
        assert second["next"] is None

    def test_popularity_counts_plays_and_likes(self, owner: User) -> None:
        self.add(owner, "played", play_count=15)
        self.add(owner, "liked", like_count=2)
        self.add(owner, "neither")
        assert self.found(ordering="-popularity") == ["liked", "played", "neither"]
        assert self.found(ordering="-plays")[0] == "played"

    def test_shows_a_caller_20_in_3_statements(
        self, owner: User, django_assert_max_num_queries: Any
    ) -> None:
        for n in range(20):
            self.add(owner, f"Rain {n}")
        client = client_of(owner)
        client.get(TRACKS)
        for query in ({}, {"search": "rain"}, {"ordering": "-popularity"}):
            with django_assert_max_num_queries(2):
                assert len(self.found(**query)) == 20
            with CaptureQueriesContext(connection) as asked:
                assert len(client.get(TRACKS, query).json()["results"]) == 20
            of_tracks = [each["sql"] for each in asked if not is_of_the_session(each["sql"])]
            assert len(of_tracks) <= 3, of_tracks

    def add(self, owner: User, title: str, **told: Any) -> Track:
        track = Track(owner=owner, title=title, visibility="public", status="ready", **told)
        track.words = words_of(track)
        track.save()
        return track

    @pytest.mark.usefixtures("library")
    def test_costs_the_same_for_many(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(2):
            APIClient().get(TRACKS)
