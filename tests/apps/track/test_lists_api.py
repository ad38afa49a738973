"""Lists of tracks: filters, the search, order, pages."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Track
from apps.track.services.tracks import words_of
from tests.factories.auth import client_of, make_user

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


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

    @pytest.mark.usefixtures("library")
    def test_costs_the_same_for_many(self, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(2):
            APIClient().get(TRACKS)
