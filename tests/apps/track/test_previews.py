"""Tracks that have to be bought: who has not bought one hears its beginning, and no more."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Rendition, Track, TrackCollaborator, TrackVersion
from apps.track.selectors import access
from tests.apps.track.test_tracks_api import content, made, path_of
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import wav

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"
SEGMENTS = 7  # of 6 s, of which 5 make the preview


class Shop:
    """What an app that sells tracks would say."""

    def __init__(self) -> None:
        self.sold: set[tuple[UUID, UUID]] = set()

    def unpaid(self, track_ids: Collection[UUID], user_id: UUID | None) -> set[UUID]:
        return {each for each in track_ids if (each, user_id) not in self.sold}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(access, "_rules", [])
    shop = Shop()
    access.register_sale_rule(shop.unpaid)
    return shop


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def buyer() -> User:
    return make_user()


def fast_track(owner: User, visibility: str = "public") -> str:
    return made(client_of(owner), content=wav(40.0, rate_hz=8000), visibility=visibility)


def heard(url: str, caller: APIClient | None = None) -> dict[str, list[str]]:
    """The segments of each media playlist behind the address of a master playlist."""
    caller = caller or APIClient()
    folder, _, _ = urlsplit(url).path.rpartition("/")
    found = {}
    for name in addresses(caller, path_of(url)):
        path = f"{folder}/{name}"
        found[path] = addresses(caller, path)
    return found


def addresses(caller: APIClient, path: str) -> list[str]:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.content
    return [line for line in answer.content.decode().splitlines() if line and line[0] != "#"]


def shown(caller: APIClient, track_id: str) -> dict[str, object]:
    found: dict[str, object] = caller.get(f"{TRACKS}/{track_id}").json()
    return found


def test_nothing_is_for_sale_by_itself(owner: User) -> None:
    track_id = made(client_of(owner))
    assert shown(APIClient(), track_id)["access"] == {"state": "playable", "reason": None}


class TestStrangers:
    def test_hear_thirty_seconds(self, owner: User, shop: Shop) -> None:
        track_id = fast_track(owner)
        found = shown(APIClient(), track_id)
        assert found["access"] == {"state": "preview", "reason": "purchase_required"}
        [listed] = APIClient().get(TRACKS).json()["results"]
        assert listed["access"] == found["access"]

        playlists = heard(str(found["stream_url"]))
        assert len(playlists) == 3
        for path, segments in playlists.items():
            text = APIClient().get(path)
            lengths = map(float, re.findall(r"#EXTINF:([\d.]+)", text.content.decode()))
            assert 29 < sum(lengths) < 30.5
            assert text.content.decode().endswith("#EXT-X-ENDLIST\n")
            assert text["Cache-Control"].startswith("private")
            folder = path.rpartition("/")[0]
            for name in segments:
                assert content(APIClient().get(f"{folder}/{name}"))
            for name in ("00005.m4s", "00006.m4s"):
                assert APIClient().get(f"{folder}/{name}").status_code == 404
            assert APIClient().get(f"{folder}/init.mp4").status_code == 200

    def test_hear_no_more_by_what_they_do_to_the_address(self, owner: User, shop: Shop) -> None:
        track_id = fast_track(owner, "unlisted")
        url = path_of(str(shown(APIClient(), track_id)["stream_url"]))
        assert "part=preview" in url
        assert all(len(each) == 5 for each in heard(url).values())
        bent = (url.replace("part=preview&", ""), url.replace("preview", "all"), url + "&part=")
        for bad in bent:
            assert APIClient().get(bad).status_code == 404
        late = url.replace("master.m3u8", "64/00006.m4s")
        assert APIClient().get(late).status_code == 404
        assert APIClient().get(late.replace("00006", "00001")).status_code == 200

    def test_download_nothing(self, owner: User, shop: Shop) -> None:
        track_id = made(client_of(owner))
        client_of(owner).patch(f"{TRACKS}/{track_id}", {"download": "everyone"}, format="json")
        answer = APIClient().get(f"{TRACKS}/{track_id}/download")
        assert (answer.status_code, answer.json()["code"]) == (403, "download_not_allowed")
        assert APIClient().get(f"{TRACKS}/{track_id}/waveform").status_code == 200

    def test_hear_nothing_of_what_cannot_be_cut(self, owner: User, shop: Shop) -> None:
        track_id = made(client_of(owner), visibility="unlisted")
        elsewhere = "https://streams.example.org/master.m3u8"
        TrackVersion.objects.update(master_url=elsewhere, hls_prefix="")
        Rendition.objects.all().delete()
        found = shown(APIClient(), track_id)
        assert found["access"] == {"state": "blocked", "reason": "purchase_required"}
        assert found["stream_url"] is None
        waveform = path_of(str(found["waveform_url"]))
        assert APIClient().get(waveform).status_code == 200
        stream = waveform.replace("/waveform?", "/stream/master.m3u8?")
        answer = APIClient().get(stream)
        assert (answer.status_code, answer.json()["code"]) == (403, "purchase_required")
        Track.objects.update(visibility="public")
        assert APIClient().get(stream.partition("?")[0]).status_code == 403


class TestWhoMay:
    def test_hear_all_who_has_bought_it(self, owner: User, buyer: User, shop: Shop) -> None:
        track_id = fast_track(owner)
        client = client_of(buyer)
        before = client.get(f"{TRACKS}/{track_id}")
        assert before.json()["access"]["state"] == "preview"
        shop.sold.add((UUID(track_id), buyer.id))

        after = client.get(f"{TRACKS}/{track_id}", headers={"if-none-match": before["ETag"]})
        assert after.status_code == 200
        assert after.json()["access"] == {"state": "playable", "reason": None}
        url = after.json()["stream_url"]
        assert "signature=" in url
        for playlist in heard(url).values():
            assert len(playlist) == SEGMENTS
        unsigned = url.partition("?")[0]
        assert all(len(each) == SEGMENTS for each in heard(unsigned, client).values())
        assert all(len(each) == 5 for each in heard(unsigned).values())

    @pytest.mark.parametrize("role", ["owner", "collaborator"])
    def test_hear_all_who_makes_it(self, owner: User, buyer: User, shop: Shop, role: str) -> None:
        track_id = made(client_of(owner))
        if role == "collaborator":
            TrackCollaborator.objects.create(track_id=UUID(track_id), user=buyer)
        caller = client_of(owner if role == "owner" else buyer)
        assert shown(caller, track_id)["access"] == {"state": "playable", "reason": None}
        assert caller.get(f"{TRACKS}/{track_id}/download").status_code == 302

    def test_is_told_for_many_at_once(
        self, owner: User, buyer: User, shop: Shop, django_assert_max_num_queries
    ) -> None:
        for number in range(20):
            Track.objects.create(
                owner=owner, title=str(number), visibility="public", status="ready"
            )
        client = client_of(buyer)
        client.get(TRACKS)
        with django_assert_max_num_queries(8):
            results = client.get(TRACKS).json()["results"]
        assert {each["access"]["state"] for each in results} == {"preview"}
