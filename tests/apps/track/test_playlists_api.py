"""Playlists: order, people who work on them, who sees what."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.events import PlaylistItemAdded, PlaylistItemMoved
from apps.track.models import Playlist, PlaylistItem, Track
from apps.track.rules.places import DIGITS, even_places, place_between
from apps.track.services import playlists
from tests.apps.events.rig import move
from tests.factories.auth import client_of, make_user
from tests.support import published

pytestmark = pytest.mark.django_db

PLAYLISTS = "/api/v1/playlists"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_of(owner)


@pytest.fixture
def tracks(owner: User) -> list[str]:
    return [
        str(
            Track.objects.create(
                owner=owner, title=f"t{n}", status="ready", visibility="public", duration_ms=1000
            ).id
        )
        for n in range(4)
    ]


class TestARepeatWithTheSameKey:
    """Whoever got no answer sends the request again."""

    def test_begins_no_second_playlist(self, client: APIClient) -> None:
        sent = {"title": "Late trains"}
        key = {"idempotency-key": "k1"}

        first = client.post(PLAYLISTS, sent, format="json", headers=key)
        second = client.post(PLAYLISTS, sent, format="json", headers=key)
        other = client.post(PLAYLISTS, {"title": "Early trains"}, format="json", headers=key)

        assert (second.status_code, second["Idempotent-Replayed"]) == (201, "true")
        assert (second.json(), second["Location"]) == (first.json(), first["Location"])
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert Playlist.objects.count() == 1

    def test_adds_no_second_item(self, client: APIClient, tracks: list[str]) -> None:
        path = f"{PLAYLISTS}/{begin(client)}/items"
        key = {"idempotency-key": "k1"}

        first, second = (
            client.post(path, {"track_id": tracks[0]}, format="json", headers=key) for _ in range(2)
        )

        assert (second.status_code, second.json()) == (201, first.json())
        assert PlaylistItem.objects.count() == 1
        assert len(published(PlaylistItemAdded)) == 1

    def test_imports_no_second_playlist(self, client: APIClient) -> None:
        first, second = (
            client.post(
                f"{PLAYLISTS}/import", b"#EXTM3U\nhttps://a.example/x.mp3\n",
                content_type="audio/x-mpegurl", headers={"idempotency-key": "k1"},
            )
            for _ in range(2)
        )  # fmt: skip

        assert (second.status_code, second.json()) == (201, first.json())
        assert Playlist.objects.count() == 1


def begin(client: APIClient, **told: Any) -> str:
    answer = client.post(PLAYLISTS, {"title": "Late trains", **told}, format="json")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def add(client: APIClient, playlist: str, track: str, **where: Any) -> Any:
    body = {"track_id": track, **where}
    return client.post(f"{PLAYLISTS}/{playlist}/items", body, format="json")


def titles(client: APIClient, playlist: str) -> list[str]:
    found = client.get(f"{PLAYLISTS}/{playlist}/items").json()["results"]
    return [item["track"]["title"] for item in found]


class TestPlaylist:
    def test_is_made_shown_and_changed(self, client: APIClient, owner: User) -> None:
        answer = client.post(PLAYLISTS, {"title": "Late trains"}, format="json")
        assert answer["Location"] == f"{PLAYLISTS}/{answer.json()['id']}"
        body = answer.json()
        assert body.keys() == {
            "id", "title", "description", "visibility", "collaborative", "owner", "item_count",
            "duration_ms", "artwork_url", "can_edit", "created_at", "updated_at", "rules",
        }  # fmt: skip
        assert body["rules"] is None
        assert (body["visibility"], body["item_count"], body["duration_ms"]) == ("private", 0, 0)
        path = answer["Location"]
        etag = client.get(path)["ETag"]
        assert client.get(path, headers={"if-none-match": etag}).status_code == 304
        changed = client.patch(path, {"title": "Night"}, format="json", headers={"if-match": etag})
        assert changed.json()["title"] == "Night"
        late = client.patch(path, {"title": "x"}, format="json", headers={"if-match": etag})
        assert late.status_code == 412
        assert client.delete(path).status_code == 204
        assert client.get(path).json()["code"] == "playlist_not_found"

    @pytest.mark.parametrize(
        "bad", [{"title": ""}, {"title": None}, {"visibility": "x"}, {"collaborative": "yes"}]
    )
    def test_refuses(self, client: APIClient, bad: dict[str, Any]) -> None:
        answer = client.post(PLAYLISTS, {"title": "x", **bad}, format="json")
        assert answer.status_code == 400
        assert [fault["field"] for fault in answer.json()["errors"]] == list(bad)

    def test_is_seen_by_who_may(self, client: APIClient) -> None:
        private, public = begin(client), begin(client, visibility="public")
        unlisted = begin(client, visibility="unlisted")
        anyone, stranger = APIClient(), client_of(make_user())
        for each in (anyone, stranger):
            assert each.get(f"{PLAYLISTS}/{private}").status_code == 404
            assert each.get(f"{PLAYLISTS}/{private}/items").status_code == 404
            assert each.get(f"{PLAYLISTS}/{unlisted}").status_code == 200
            assert [row["id"] for row in each.get(PLAYLISTS).json()["results"]] == [public]
        assert len(client.get(f"{PLAYLISTS}?owner=me").json()["results"]) == 3
        assert len(anyone.get(f"{PLAYLISTS}?owner=MONA").json()["results"]) == 1
        for path in (private, public):
            assert (
                stranger.patch(f"{PLAYLISTS}/{path}", {"title": "x"}, format="json").status_code
                == 404
            )
            assert stranger.delete(f"{PLAYLISTS}/{path}").status_code == 404
        assert anyone.post(PLAYLISTS, {"title": "x"}, format="json").status_code == 401


class TestItems:
    def test_stand_where_they_were_put(self, client: APIClient, tracks: list[str]) -> None:
        playlist = begin(client)
        first = add(client, playlist, tracks[0]).json()["id"]
        last = add(client, playlist, tracks[1]).json()["id"]
        add(client, playlist, tracks[2], after=first)
        add(client, playlist, tracks[3], after=None)
        assert titles(client, playlist) == ["t3", "t0", "t2", "t1"]
        path = f"{PLAYLISTS}/{playlist}/items"
        assert client.patch(f"{path}/{last}", {"after": None}, format="json").status_code == 200
        assert titles(client, playlist) == ["t1", "t3", "t0", "t2"]
        assert client.patch(f"{path}/{first}", {"after": first}, format="json").status_code == 200
        assert client.delete(f"{path}/{first}").status_code == 204
        assert client.delete(f"{path}/{first}").json()["code"] == "playlist_item_not_found"
        found = client.get(f"{PLAYLISTS}/{playlist}").json()
        assert (found["item_count"], found["duration_ms"]) == (3, 3000)
        assert len(published(PlaylistItemAdded)) == 4
        assert len(published(PlaylistItemMoved)) == 1

    def test_may_stand_twice(self, client: APIClient, tracks: list[str]) -> None:
        playlist = begin(client)
        for _ in range(2):
            assert add(client, playlist, tracks[0]).status_code == 201
        assert titles(client, playlist) == ["t0", "t0"]

    def test_are_left_out_where_the_reader_may_not_see_them(
        self, client: APIClient, tracks: list[str]
    ) -> None:
        playlist = begin(client, visibility="public")
        for track in tracks[:2]:
            add(client, playlist, track)
        Track.objects.filter(pk=tracks[0]).update(visibility="private")
        assert titles(APIClient(), playlist) == ["t1"]
        assert titles(client, playlist) == ["t0", "t1"]

    def test_refuse_what_is_not_there(self, client: APIClient, tracks: list[str]) -> None:
        playlist, other = begin(client), begin(client)
        foreign = add(client, other, tracks[0]).json()["id"]
        hidden = Track.objects.create(owner=make_user(), title="hidden")
        for body, field in [
            ({"track_id": str(hidden.id)}, "track_id"),
            ({"track_id": "x"}, "track_id"),
            ({"track_id": tracks[0], "after": foreign}, "after"),
            ({"track_id": tracks[0], "after": "x"}, "after"),
            ({}, "track_id"),
        ]:
            answer = client.post(f"{PLAYLISTS}/{playlist}/items", body, format="json")
            assert answer.status_code == 400
            assert [fault["field"] for fault in answer.json()["errors"]] == [field]

    def test_pages(self, client: APIClient, tracks: list[str]) -> None:
        playlist = begin(client)
        for track in tracks:
            add(client, playlist, track)
        first = client.get(f"{PLAYLISTS}/{playlist}/items?limit=3").json()
        rest = client.get(first["next"].partition("testserver")[2]).json()
        found = [item["track"]["title"] for item in first["results"] + rest["results"]]
        assert found == ["t0", "t1", "t2", "t3"]

    def test_keep_their_order_when_places_are_dealt_anew(
        self, client: APIClient, tracks: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(playlists, "MAX_PLACE", 1)
        playlist = begin(client)
        for track in tracks * 3:
            assert add(client, playlist, track, after=None).status_code == 201
        assert titles(client, playlist) == ["t3", "t2", "t1", "t0"] * 3


class TestTogether:
    def test_collaborators_change_items_and_nothing_else(
        self, client: APIClient, tracks: list[str]
    ) -> None:
        playlist = begin(client)
        bo = client_of(make_user(username="bo-bo"))
        path = f"{PLAYLISTS}/{playlist}"
        assert add(bo, playlist, tracks[0]).status_code == 404
        for _ in range(2):
            assert client.put(f"{path}/collaborators/BO-BO").status_code == 204
        assert client.put(f"{path}/collaborators/nobody").json()["code"] == "user_not_found"

        assert add(bo, playlist, tracks[0]).json()["added_by"]["username"] == "bo-bo"
        assert bo.get(path).json()["collaborative"] is True
        stranger = client_of(make_user()).get(f"{path}/collaborators")
        assert (stranger.status_code, stranger.json()["code"]) == (404, "playlist_not_found")
        for reader in (client, bo):
            [found] = reader.get(f"{path}/collaborators").json()["results"]
            assert found["user"]["username"] == "bo-bo"
            assert found["added_at"].endswith("Z")
        assert bo.patch(path, {"title": "mine"}, format="json").status_code == 404
        assert bo.delete(path).status_code == 404
        assert bo.put(f"{path}/collaborators/mona").status_code == 404
        assert bo.delete(f"{path}/collaborators/bo-bo").status_code == 204
        assert client.get(f"{path}/collaborators").json()["results"] == []
        assert add(bo, playlist, tracks[0]).status_code == 404

    def test_a_collaborator_hears_that_he_may_help_and_that_he_may_no_more(
        self, client: APIClient, owner: User
    ) -> None:
        playlist = begin(client)
        bo = make_user(username="bo-bo")
        for _ in range(2):
            client.put(f"{PLAYLISTS}/{playlist}/collaborators/bo-bo")
        for _ in range(2):
            client.delete(f"{PLAYLISTS}/{playlist}/collaborators/bo-bo")
        move()

        for reader, person in ((client_of(bo), bo), (client, owner)):
            answer = reader.get(f"/api/v1/events?limit=100&rooms=user:{person.pk}")
            heard = [
                (fact["type"], fact["data"])
                for fact in answer.json()["results"]
                if "collaborator" in fact["type"]
            ]
            told = {
                "playlist_id": playlist, "owner_id": str(owner.pk), "collaborator_id": str(bo.pk),
            }  # fmt: skip
            assert heard == [
                ("playlist.collaborator_added", told), ("playlist.collaborator_removed", told),
            ]  # fmt: skip

    @pytest.mark.django_db(transaction=True)
    def test_many_at_once_lose_nothing_and_keep_one_order(
        self, client: APIClient, owner: User, tracks: list[str]
    ) -> None:
        playlist = begin(client)

        def work(number: int) -> None:
            try:
                playlists.add_item(
                    playlist_id=UUID(playlist),
                    user_id=owner.id,
                    track_id=UUID(tracks[number % 4]),
                    after=None if number % 2 else playlists.LAST,
                )
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(24)))
        assert PlaylistItem.objects.count() == Playlist.objects.get().item_count == 24
        assert len(set(PlaylistItem.objects.values_list("place", flat=True))) == 24


class TestPlaces:
    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=60))
    def test_there_is_always_one_between_two(self, wishes: list[int]) -> None:
        places: list[str] = []
        for wish in wishes:
            index = wish % (len(places) + 1)
            before = places[index - 1] if index else ""
            after = places[index] if index < len(places) else ""
            places.insert(index, place_between(before, after))
        assert all(left < right for left, right in pairwise(places))
        assert all(place and place[-1] != DIGITS[0] for place in places)

    @pytest.mark.parametrize("at", [lambda places: 0, len], ids=["first", "last"])
    def test_stay_short(self, at: Callable[[list[str]], int]) -> None:
        places: list[str] = []
        for _ in range(10_000):
            index = at(places)
            before = places[index - 1] if index else ""
            after = places[index] if index < len(places) else ""
            places.insert(index, place_between(before, after))
        assert max(map(len, places)) < 400

    @pytest.mark.parametrize("count", [0, 1, 61, 62, 10_000])
    def test_even_ones_leave_room(self, count: int) -> None:
        places = even_places(count)
        assert len(set(places)) == count
        assert places == sorted(places)

    def test_refuses_what_has_no_between(self) -> None:
        with pytest.raises(ValueError, match="no place"):
            place_between("B", "A")
