"""The search across apps: what is found, in which order, and by whom."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Playlist, Track
from apps.track.services.tracks import words_of
from tests.factories.auth import client_of, make_user
from veza.kit import search as texts

pytestmark = pytest.mark.django_db

SEARCH = "/api/v1/search"
EVERYTHING = {"tracks", "users", "playlists", "streams", "products"}


def make_track(owner: User, title: str, **told: Any) -> Track:
    track = Track(owner=owner, title=title, **{"visibility": "public", "status": "ready", **told})
    track.words = words_of(track)
    track.save()
    return track


def found(client: APIClient, q: str, kind: str = "tracks", **query: Any) -> list[str]:
    answer = client.get(SEARCH, {"q": q, "type": kind, **query})
    assert answer.status_code == 200, answer.content
    name = "username" if kind == "users" else "title"
    return [each[name] for each in answer.json()[kind]]


@pytest.fixture
def mona() -> User:
    return make_user(username="mona_92", display_name="Möna Lindqvist")


class TestTracks:
    def test_stand_by_where_the_words_are(self, mona: User) -> None:
        make_track(mona, "Evening", tags=["rain", "rain song"], genre="Rain", album="Rain")
        make_track(mona, "Morning", artist="Rain")
        make_track(mona, "Rain")
        assert found(APIClient(), "rain") == ["Rain", "Morning", "Evening"]

    def test_are_found_by_the_beginning_of_a_word_and_without_accents(self, mona: User) -> None:
        make_track(mona, "Café del mar", artist="José")
        for q in ("café", "CAFE", "caf", "josé m", "mar cafe"):
            assert found(APIClient(), q) == ["Café del mar"]
        assert found(APIClient(), "cafe rain") == []

    def test_are_found_with_a_typing_error_when_nothing_else_is(self, mona: User) -> None:
        make_track(mona, "Midnight rain")
        make_track(mona, "Unlike")
        alike = ["Midnight rain"] if texts.knows_alike() else []  # the embedded one does not
        assert found(APIClient(), "midnihgt") == alike
        assert found(APIClient(), "midnight") == ["Midnight rain"]

    def test_are_not_where_the_database_cannot_tell_what_is_alike(
        self, mona: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(texts, "knows_alike", lambda: False)
        make_track(mona, "Midnight rain")
        assert found(APIClient(), "midnihgt") == []
        assert found(APIClient(), "midni") == ["Midnight rain"]

    def test_are_those_that_the_caller_may_come_upon(self, mona: User) -> None:
        make_track(mona, "public rain")
        make_track(mona, "private rain", visibility="private")
        make_track(mona, "unlisted rain", visibility="unlisted")
        make_track(mona, "unready rain", status="processing")
        make_track(mona, "deleted rain", deleted_at="2026-01-01T00:00:00Z")
        own = {"public rain", "private rain", "unlisted rain"}
        assert found(APIClient(), "rain") == ["public rain"]
        assert found(client_of(make_user()), "rain") == ["public rain"]
        assert set(found(client_of(mona), "rain")) == own

    def test_have_the_members_of_a_list(self, mona: User) -> None:
        make_track(mona, "Rain")
        [one] = APIClient().get(SEARCH, {"q": "rain", "type": "tracks"}).json()["tracks"]
        [same] = APIClient().get("/api/v1/tracks").json()["results"]
        assert one == same


class TestPeople:
    @pytest.mark.parametrize("q", ["mona", "MONA_92", "lindq", "möna lind", "92"])
    def test_are_found_by_either_name(self, mona: User, q: str) -> None:
        make_user(username="other", display_name="Else")
        assert found(APIClient(), q, "users") == ["mona_92"]

    def test_are_found_with_a_typing_error(self, mona: User) -> None:
        assert found(APIClient(), "lindqvits", "users") == ["mona_92"] * texts.knows_alike()

    def test_are_not_found_when_they_are_gone(self, mona: User) -> None:
        ways: list[dict[str, Any]] = [
            {"is_active": False}, {"erase_at": "2030-01-01T00:00:00Z"}, {"is_machine": True},
        ]  # fmt: skip
        for number, gone in enumerate(ways):
            make_user(username=f"mona-{number}", **gone)
        assert found(APIClient(), "mona", "users") == ["mona_92"]

    def test_show_nothing_private(self, mona: User) -> None:
        [one] = APIClient().get(SEARCH, {"q": "mona", "type": "users"}).json()["users"]
        assert one.keys() == {"id", "username", "display_name", "avatar_url"}
        assert found(APIClient(), mona.email, "users") == []


class TestPlaylists:
    def test_are_public_ones_and_ones_own(self, mona: User) -> None:
        for visibility in ("public", "private", "unlisted"):
            Playlist.objects.create(owner=mona, title=f"{visibility} trains", visibility=visibility)
        assert found(APIClient(), "trains", "playlists") == ["public trains"]
        assert len(found(client_of(mona), "trains", "playlists")) == 3

    def test_are_found_by_their_description_too(self, mona: User) -> None:
        told = {"description": "Für späte Züge", "visibility": "public"}
        Playlist.objects.create(owner=mona, title="Night", **told)
        assert found(APIClient(), "spate zug", "playlists") == ["Night"]
        [one] = APIClient().get(SEARCH, {"q": "night"}).json()["playlists"]
        [same] = APIClient().get("/api/v1/playlists").json()["results"]
        assert one == same


class TestAnswer:
    def test_has_the_lists_that_were_asked_for(self) -> None:
        assert APIClient().get(SEARCH, {"q": "x"}).json() == {name: [] for name in EVERYTHING}
        some = APIClient().get(SEARCH, {"q": "x", "type": "users, tracks"}).json()
        assert list(some) == ["users", "tracks"]

    def test_is_no_longer_than_the_limit(self, mona: User) -> None:
        for n in range(3):
            make_track(mona, f"rain {n}")
        assert found(APIClient(), "rain", limit=2) == ["rain 2", "rain 1"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({}, "q"),
            ({"q": "x" * 201}, "q"),
            ({"q": "x" * 10_000}, "q"),
            ({"q": "x", "type": "tracks,films"}, "type"),
            ({"q": "x", "limit": 0}, "limit"),
            ({"q": "x", "limit": 101}, "limit"),
        ],
    )
    def test_says_what_is_wrong(self, query: dict[str, Any], field: str) -> None:
        answer = APIClient().get(SEARCH, query)
        assert answer.status_code == 400
        assert [fault["field"] for fault in answer.json()["errors"]] == [field]

    @pytest.mark.parametrize(
        "q",
        ["", "   ", "!!! ???", "& | ! :* <->", "%", "_", "\\", "'", "🎵🎶", "x:*A", "a & !b",
         "'; DROP TABLE track_track; --", "\u202e", "ﬁ", "½", "日本語", "a" * 200, "a " * 100,
         "0x1 1e999 -1", "a\x00b", "http://a.example/b?c", "&&", "()", "ß", "\ud83d"],
    )  # fmt: skip
    @pytest.mark.usefixtures("mona")
    def test_is_empty_for_what_means_nothing(self, q: str) -> None:
        told = q.encode("utf-8", "surrogatepass")
        for path in (SEARCH, "/api/v1/tracks"):
            name = "q" if path == SEARCH else "search"
            query = f"{name}=" + "".join(f"%{byte:02x}" for byte in told)
            answer = APIClient().get(f"{path}?{query}")
            assert answer.status_code in (200, 400), (q, answer.content)

    def test_costs_the_same_for_many(self, mona: User, django_assert_max_num_queries: Any) -> None:
        for n in range(5):
            make_track(mona, f"rain {n}")
            Playlist.objects.create(owner=mona, title=f"rain {n}", visibility="public")
            make_user(username=f"rain{n}")
        client = client_of(mona)
        client.get(SEARCH, {"q": "rain"})
        with django_assert_max_num_queries(2):
            assert len(found(APIClient(), "rain")) == 5
        with django_assert_max_num_queries(6):
            assert len(APIClient().get(SEARCH, {"q": "rain"}).json()["users"]) == 5
