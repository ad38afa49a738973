"""Uploading, making, hearing, editing, liking and deleting tracks."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.events import TrackLiked, TrackReady, TrackRejected, TrackUploaded
from apps.track.models import Track, TrackCollaborator, TrackVersion
from apps.track.services import own_data, processing, stages
from apps.track.types import TrackStatus
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import EICAR, lying_wav, wav
from tests.support import published
from veza.integrations.antivirus import AntivirusUnavailableError, ScanCutError
from veza.integrations.object_storage import object_storage

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"
TRACK = {
    "id", "title", "artist", "album", "genre", "tags", "description", "visibility", "license",
    "bpm", "musical_key", "download", "status", "version", "duration_ms", "uploader", "audio",
    "stats", "artwork_url", "waveform_url", "stream_url", "liked", "access", "created_at",
    "published_at",
}  # fmt: skip


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_of(owner)


def send(
    client: APIClient, content: bytes = b"", name: str = "First light.wav", **told: Any
) -> Any:
    file = SimpleUploadedFile(name, content or wav())
    return client.post(TRACKS, {"file": file, **told}, format="multipart")


def make(track_id: str) -> None:
    """What a worker does."""
    version = TrackVersion.objects.get(track_id=track_id, status=TrackStatus.PROCESSING)
    assert processing.process(version_id=version.id, now=timezone.now())


def made(client: APIClient, **told: Any) -> str:
    """The id of a track that can be heard."""
    track_id = str(send(client, **{"visibility": "public", **told}).json()["id"])
    make(track_id)
    return track_id


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


class TestUpload:
    def test_answers_at_once_and_becomes_a_track(self, client: APIClient, owner: User) -> None:
        answer = send(
            client, title="Dawn", tags=["Ambient", "ambient", "live"], visibility="public"
        )

        assert answer.status_code == 202
        body = answer.json()
        assert body.keys() == TRACK
        assert answer["Location"] == f"{TRACKS}/{body['id']}"
        assert (body["status"], body["tags"]) == ("processing", ["ambient", "live"])
        assert body["uploader"] == {
            "id": str(owner.id), "username": "mona", "display_name": "mona", "avatar_url": None,
        }  # fmt: skip
        assert body["access"] == {"state": "blocked", "reason": "not_ready"}
        assert len(published(TrackUploaded)) == 1

        make(body["id"])
        ready = client.get(f"{TRACKS}/{body['id']}").json()
        assert (ready["status"], ready["version"]) == ("ready", 1)
        assert abs(ready["duration_ms"] - 2000) < 50
        assert ready["audio"]["sample_rate_hz"] == 22_050
        assert ready["audio"]["channels"] == 1
        assert -40 < ready["audio"]["loudness_lufs"] < 0
        assert ready["published_at"] is not None
        assert ready["access"] == {"state": "playable", "reason": None}
        [fact] = published(TrackReady)
        assert fact["track_id"] == body["id"]

    def test_takes_the_title_from_the_file_where_none_is_told(self, client: APIClient) -> None:
        assert send(client, name="../../My_song.wav").json()["title"] == "My song"
        assert send(client, name=".wav").json()["title"] != ""

    def test_is_private_unless_said_otherwise(self, client: APIClient) -> None:
        track_id = send(client).json()["id"]
        make(track_id)
        assert APIClient().get(f"{TRACKS}/{track_id}").status_code == 404
        assert APIClient().get(TRACKS).json()["results"] == []

    @pytest.mark.parametrize(
        ("told", "field"),
        [
            ({"visibility": "secret"}, "visibility"),
            ({"bpm": "fast"}, "bpm"),
            ({"bpm": "-1"}, "bpm"),
            ({"title": "x" * 201}, "title"),
            ({"title": "a\nb"}, "title"),
            ({"tags": ["x"] * 21}, "tags"),
        ],
    )
    def test_refuses(self, client: APIClient, told: dict[str, Any], field: str) -> None:
        answer = send(client, **told)
        assert answer.status_code == 400
        assert {fault["field"].partition(".")[0] for fault in answer.json()["errors"]} == {field}
        assert not Track.objects.exists()

    def test_counts_what_is_no_track_yet(self, client: APIClient, settings) -> None:
        settings.UPLOAD_QUOTA_BYTES = 2 * len(wav())
        first = send(client).json()["id"]
        assert send(client).status_code == 202
        stored = {each.key for each in object_storage().list_objects("tracks/")}
        answer = send(client)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_quota_exceeded")
        assert {each.key for each in object_storage().list_objects("tracks/")} == stored
        assert send(client_of(make_user())).status_code == 202

        version = TrackVersion.objects.get(track_id=first)
        assert processing.process(version_id=version.id, now=timezone.now())
        assert send(client).status_code == 202

    def test_needs_a_file_and_a_caller(self, client: APIClient) -> None:
        assert client.post(TRACKS, {"title": "x"}, format="json").status_code == 400
        assert send(APIClient()).status_code == 401


class TestMaking:
    def status(self, client: APIClient, track_id: str) -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"{TRACKS}/{track_id}/status").json()
        return found

    def test_tells_how_far_it_is(self, client: APIClient) -> None:
        track_id = send(client).json()["id"]
        assert self.status(client, track_id) == {
            "status": "processing", "stage": "uploaded", "progress": 0, "error": None,
        }  # fmt: skip
        make(track_id)
        assert self.status(client, track_id) == {
            "status": "ready", "stage": "ready", "progress": 100, "error": None,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("bad", "code"),
        [
            (b"<html>no music</html>", "not_audio"),
            (b"\0" * 5000, "not_audio"),
            (lying_wav(), None),
            (EICAR, "infected"),
        ],
    )
    def test_rejects(self, client: APIClient, bad: bytes, code: str | None) -> None:
        track_id = send(client, bad, visibility="public").json()["id"]
        make(track_id)
        state = self.status(client, track_id)
        assert state["status"] == "rejected"
        assert state["error"]["code"] in ([code] if code else ["corrupt", "not_audio"])
        assert state["error"]["retryable"] is False
        assert APIClient().get(f"{TRACKS}/{track_id}").status_code == 404
        assert client.get(f"{TRACKS}/{track_id}/download").status_code == 409
        assert len(published(TrackRejected)) == 1

    def test_what_is_infected_is_put_away(self, client: APIClient) -> None:
        track_id = send(client, EICAR).json()["id"]
        before = TrackVersion.objects.get().source_key
        make(track_id)
        assert not object_storage().exists(before)
        assert TrackVersion.objects.get().source_key.startswith("quarantine/")

    def test_waits_while_the_scanner_is_away(
        self, client: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Away:
            def scan(self, stream: object) -> None:
                raise AntivirusUnavailableError

        track_id = send(client, visibility="public").json()["id"]
        version = TrackVersion.objects.get()
        with monkeypatch.context() as patch:
            patch.setattr(processing, "antivirus", Away)
            for _ in range(processing.MAX_TRIES + 2):
                assert not processing.process(version_id=version.id, now=timezone.now())
        assert self.status(client, track_id)["status"] == "processing"
        assert APIClient().get(f"{TRACKS}/{track_id}/stream/master.m3u8").status_code == 404
        make(track_id)
        assert self.status(client, track_id)["status"] == "ready"

    def test_ends_where_the_scanner_hangs_up_on_it_again_and_again(
        self, client: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Cutting:
            def scan(self, stream: object) -> None:
                raise ScanCutError

        track_id = send(client).json()["id"]
        version = TrackVersion.objects.get()
        monkeypatch.setattr(processing, "antivirus", Cutting)
        for _ in range(processing.MAX_CUTS - 1):
            assert not processing.process(version_id=version.id, now=timezone.now())
        assert self.status(client, track_id)["status"] == "processing"
        assert processing.process(version_id=version.id, now=timezone.now())
        error = self.status(client, track_id)["error"]
        assert (error["code"], error["retryable"]) == ("antivirus_cut", True)

    def test_ends_once_whatever_is_repeated(self, client: APIClient) -> None:
        track_id = made(client)
        version = TrackVersion.objects.get()
        assert processing.process(version_id=version.id, now=timezone.now())
        assert not stages.reject(version_id=version.id, code="late", detail="late")
        assert self.status(client, track_id)["status"] == "ready"
        assert len(published(TrackReady)) == 1

    def test_a_worker_that_was_killed_is_replaced(self, client: APIClient) -> None:
        send(client)
        version = TrackVersion.objects.get()
        now = timezone.now()
        assert processing.find_stuck(now=now) == []
        assert processing.find_stuck(now=now + timedelta(minutes=21)) == [version.id]


class TestHearing:
    def test_public_tracks_openly(self, client: APIClient) -> None:
        track_id = made(client)
        url = client.get(f"{TRACKS}/{track_id}").json()["stream_url"]
        assert url == f"http://testserver{TRACKS}/{track_id}/stream/master.m3u8"

        anyone = APIClient()
        master = anyone.get(path_of(url), headers={"accept": "*/*"})
        assert master["Content-Type"] == "application/vnd.apple.mpegurl"
        names = [line for line in master.content.decode().splitlines() if line[:1] != "#"]
        assert len(names) == 3
        folder = path_of(url).rpartition("/")[0]
        playlist = anyone.get(f"{folder}/{names[0]}").content.decode()
        assert "#EXT-X-ENDLIST" in playlist
        [init] = re.findall(r'#EXT-X-MAP:URI="([^"]+)"', playlist)
        segments = [line for line in playlist.splitlines() if line and line[0] != "#"]
        inner = f"{folder}/{names[0]}".rpartition("/")[0]
        for name in [init, *segments]:
            part = anyone.get(f"{inner}/{name}")
            assert part.status_code == 200
            assert part["Cache-Control"] == "public, max-age=31536000, immutable"
            assert content(part)

    def test_private_ones_by_a_signed_address(self, client: APIClient) -> None:
        track_id = made(client, visibility="private")
        url = path_of(client.get(f"{TRACKS}/{track_id}").json()["stream_url"])
        anyone = APIClient()

        assert anyone.get(url.partition("?")[0]).status_code == 404
        master = anyone.get(url)
        assert master["Cache-Control"].startswith("private")
        [first, *_] = [line for line in master.content.decode().splitlines() if line[:1] != "#"]
        folder = url.partition("?")[0].rpartition("/")[0]
        assert "signature=" in first
        playlist = anyone.get(f"{folder}/{first}").content.decode()
        assert re.search(r'URI="[^"]+\?expires=\d+&signature=', playlist)

        other = made(client, visibility="private")
        stolen = url.replace(track_id, other)
        assert anyone.get(stolen).status_code == 404
        assert anyone.get(url.replace("expires=1", "expires=2")).status_code == 404
        with time_machine.travel(timezone.now() + timedelta(hours=7)):
            assert anyone.get(url).status_code == 404

    @pytest.mark.parametrize(
        "name", ["../source", "..%2fsource", "x/../../source", ".hidden", "a//b", "none.m4s"]
    )
    def test_nothing_but_what_is_streamed(self, client: APIClient, name: str) -> None:
        track_id = made(client)
        assert client.get(f"{TRACKS}/{track_id}/stream/{name}").status_code == 404

    def test_the_waveform(self, client: APIClient) -> None:
        track_id = made(client)
        found = APIClient().get(f"{TRACKS}/{track_id}/waveform")
        document = json.loads(content(found))
        assert document.keys() >= {
            "version", "channels", "sample_rate", "samples_per_pixel", "bits", "length", "data",
        }  # fmt: skip
        assert (document["version"], document["bits"]) == (2, 8)
        assert len(document["data"]) == 2 * document["length"]

    def test_before_it_is_ready(self, client: APIClient) -> None:
        track_id = send(client, visibility="public").json()["id"]
        for part in ("stream/master.m3u8", "waveform", "download"):
            assert client.get(f"{TRACKS}/{track_id}/{part}").json()["code"] == "track_not_ready"
            assert APIClient().get(f"{TRACKS}/{track_id}/{part}").status_code == 404

    def test_downloads_follow_the_owners_rule(self, client: APIClient) -> None:
        track_id = made(client)
        path = f"{TRACKS}/{track_id}/download"
        own = client.get(path)
        assert own.status_code == 302
        assert content(APIClient().get(path_of(own["Location"]))) == wav()
        assert APIClient().get(path).json()["code"] == "download_not_allowed"
        client.patch(f"{TRACKS}/{track_id}", {"download": "everyone"}, format="json")
        assert APIClient().get(path).status_code == 302


class TestEditing:
    def test_is_for_the_owner_and_who_may_edit(self, client: APIClient) -> None:
        track_id = made(client)
        path = f"{TRACKS}/{track_id}"
        stranger, friend = make_user(), make_user()
        refused = client_of(stranger).patch(path, {"title": "x"}, format="json")
        absent = client_of(stranger).patch(
            f"{TRACKS}/01890000-0000-7000-8000-000000000000", {"title": "x"}, format="json"
        )
        assert (refused.status_code, refused.json()["code"]) == (404, "track_not_found")
        assert absent.json()["code"] == "track_not_found"
        TrackCollaborator.objects.create(track_id=track_id, user=friend)
        assert client_of(friend).patch(path, {"title": "Dusk"}, format="json").status_code == 200
        assert client.get(path).json()["title"] == "Dusk"

    def test_is_not_done_by_who_has_not_read_it(self, client: APIClient) -> None:
        path = f"{TRACKS}/{made(client)}"
        etag = client.get(path)["ETag"]
        assert client.get(path, headers={"if-none-match": etag}).status_code == 304
        client.patch(path, {"title": "one"}, format="json")
        late = client.patch(path, {"title": "two"}, format="json", headers={"if-match": etag})
        assert late.status_code == 412
        assert client.patch(path, {"title": " "}, format="json").status_code == 400

    def test_changes_nothing_but_what_is_told(self, client: APIClient, owner: User) -> None:
        path = f"{TRACKS}/{made(client)}"
        before = client.get(path).json()
        sent = {"id": "x", "owner": 1, "status": "failed", "play_count": 9, "like_count": 9,
                "published_at": None, "stats": {"plays": 9}, "active": None}  # fmt: skip
        after = client.patch(path, sent, format="json").json()
        assert after == before

    def test_deleting_hides_it_for_30_days(self, client: APIClient) -> None:
        track_id = made(client)
        path = f"{TRACKS}/{track_id}"
        assert client.delete(path).status_code == 204
        for each in (client, APIClient()):
            assert each.get(path).status_code == 404
            assert each.get(f"{path}/stream/master.m3u8").status_code == 404
        assert client_of(make_user()).post(f"{path}/restore").status_code == 404
        with time_machine.travel(timezone.now() + timedelta(days=31)):
            assert client_of(Track.objects.get().owner).post(f"{path}/restore").status_code == 404
        assert client.post(f"{path}/restore").status_code == 200
        assert APIClient().get(path).status_code == 200


class TestLikes:
    def test_are_counted_once_each(self, client: APIClient) -> None:
        track_id = made(client)
        path = f"{TRACKS}/{track_id}/like"
        fan = client_of(make_user())
        for each in (fan, fan, client):
            assert each.put(path).status_code == 204
        found = fan.get(f"{TRACKS}/{track_id}").json()
        assert (found["stats"]["likes"], found["liked"]) == (2, True)
        assert APIClient().get(f"{TRACKS}/{track_id}").json()["liked"] is False
        assert [fact["likes"] for fact in published(TrackLiked)] == [1, 2]
        for _ in range(2):
            assert fan.delete(path).status_code == 204
        assert fan.get(f"{TRACKS}/{track_id}").json()["stats"]["likes"] == 1

    def test_are_for_what_one_may_see(self, client: APIClient) -> None:
        track_id = made(client, visibility="private")
        assert client_of(make_user()).put(f"{TRACKS}/{track_id}/like").status_code == 404
        assert APIClient().put(f"{TRACKS}/{track_id}/like").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_erasing_its_owner_leaves_no_file(client: APIClient, owner: User) -> None:
    made(client)
    version = TrackVersion.objects.get()
    own_data._erase_likes(owner.id)
    own_data._erase_tracks(owner.id)
    assert not Track.objects.exists()
    assert not object_storage().exists(version.source_key)
    assert list(object_storage().list_objects(f"tracks/{version.id}/")) == []
