"""Tracks of resumable uploads, and more versions of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Track, TrackVersion
from apps.track.services import processing
from apps.track.services.uploads import create_upload, finish_upload
from apps.track.types import Metadata
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import wav
from veza.integrations.object_storage import object_storage

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_of(owner)


def uploaded(owner: User, content: bytes = b"", *, finished: bool = True) -> str:
    """The id of an upload all of whose bytes have arrived."""
    content = content or wav()
    row = create_upload(
        user_id=owner.id,
        size_bytes=len(content),
        metadata=Metadata(filename="Night train.wav"),
        now=timezone.now(),
    )
    if finished:
        row.offset_bytes = len(content)
        row.save()
        finish_upload(row, sha256="0" * 64, now=timezone.now())
        object_storage().put(row.key, content)  # as the storage of uploads leaves it
    return str(row.id)


def make(track_id: str, n: int) -> None:
    version = TrackVersion.objects.get(track_id=track_id, n=n)
    assert processing.process(version_id=version.id, now=timezone.now())


class TestARepeatWithTheSameKey:
    """Whoever got no answer sends the request again."""

    def test_makes_no_second_track_of_a_file(self, client: APIClient) -> None:
        first, second = (
            client.post(
                TRACKS, {"file": SimpleUploadedFile("Night train.wav", wav()), "title": "x"},
                format="multipart", headers={"idempotency-key": "k1"},
            )
            for _ in range(2)
        )  # fmt: skip

        assert (second.status_code, second["Idempotent-Replayed"]) == (202, "true")
        assert second.json() == first.json()
        assert Track.objects.count() == 1

    def test_is_not_told_that_the_upload_was_used(self, client: APIClient, owner: User) -> None:
        body = {"upload_id": uploaded(owner)}

        first, second = (
            client.post(TRACKS, body, format="json", headers={"idempotency-key": "k1"})
            for _ in range(2)
        )

        assert (second.status_code, second.json()) == (202, first.json())

    def test_adds_no_second_version(self, client: APIClient, owner: User) -> None:
        track = begin(client, owner)
        body = {"upload_id": uploaded(owner), "note": "louder"}

        first, second = (
            client.post(
                f"{TRACKS}/{track}/versions", body, format="json",
                headers={"idempotency-key": "k1"},
            )
            for _ in range(2)
        )  # fmt: skip

        assert (second.status_code, second.json()) == (202, first.json())
        assert TrackVersion.objects.filter(track_id=track).count() == 2


def begin(client: APIClient, owner: User, **told: Any) -> str:
    body = {"upload_id": uploaded(owner), "visibility": "public", **told}
    answer = client.post(TRACKS, body, format="json")
    assert answer.status_code == 202, answer.content
    make(answer.json()["id"], 1)
    return str(answer.json()["id"])


def test_a_track_is_made_of_an_upload(client: APIClient, owner: User) -> None:
    track_id = begin(client, owner)
    found = client.get(f"{TRACKS}/{track_id}").json()
    assert (found["title"], found["status"]) == ("Night train", "ready")
    assert client.get(f"{TRACKS}/{track_id}/download").status_code == 302


def test_a_track_is_made_of_one_file(client: APIClient, owner: User) -> None:
    body = {"upload_id": uploaded(owner), "file": SimpleUploadedFile("dawn.wav", wav())}
    answer = client.post(TRACKS, body, format="multipart")
    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["field"]) == (400, "upload_id")
    assert "not both" in fault["detail"]
    assert not Track.objects.exists()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("foreign", 400, "upload_not_found"),
        ("unknown", 400, "upload_not_found"),
        ("unfinished", 409, "upload_incomplete"),
        ("used", 409, "upload_used"),
        ("no id", 400, "invalid"),
    ],
)
def test_what_is_no_finished_upload_of_ones_own_is_refused(
    client: APIClient, owner: User, kind: str, status: int, code: str
) -> None:
    makers: dict[str, Callable[[], str]] = {
        "foreign": lambda: uploaded(make_user()),
        "unknown": lambda: str(uuid4()),
        "unfinished": lambda: uploaded(owner, finished=False),
        "used": lambda: uploaded(owner),
        "no id": lambda: "x",
    }
    upload = makers[kind]()
    if kind == "used":
        client.post(TRACKS, {"upload_id": upload}, format="json")
    before = Track.objects.count()
    answer = client.post(TRACKS, {"upload_id": upload}, format="json")
    assert answer.status_code == status
    body = answer.json()
    assert code in {body["code"], *(each["code"] for each in body.get("errors", ()))}
    assert Track.objects.count() == before


class TestVersions:
    def test_a_new_one_is_heard_once_it_is_chosen(self, client: APIClient, owner: User) -> None:
        track_id = begin(client, owner)
        path = f"{TRACKS}/{track_id}/versions"
        longer = uploaded(owner, wav(3.0))
        answer = client.post(path, {"upload_id": longer, "note": "remaster"}, format="json")
        assert answer.status_code == 202
        assert answer.json().keys() == {
            "n", "status", "note", "active", "duration_ms", "audio", "created_at",
        }  # fmt: skip
        assert client.post(f"{path}/2/activate").json()["code"] == "version_not_ready"
        assert client.get(f"{TRACKS}/{track_id}").json()["version"] == 1

        make(track_id, 2)
        before = client.get(f"{TRACKS}/{track_id}").json()
        assert abs(before["duration_ms"] - 2000) < 50
        assert client.post(f"{path}/2/activate").json()["active"] is True
        after = client.get(f"{TRACKS}/{track_id}").json()
        assert (after["version"], after["stream_url"]) == (2, before["stream_url"])
        assert abs(after["duration_ms"] - 3000) < 50
        listed = client.get(path).json()["results"]
        assert [(each["n"], each["active"]) for each in listed] == [(2, True), (1, False)]
        assert client.post(f"{path}/1/activate").status_code == 200
        assert client.post(f"{path}/3/activate").json()["code"] == "version_not_found"

    def test_can_be_compared(self, client: APIClient, owner: User) -> None:
        track_id = begin(client, owner)
        path = f"{TRACKS}/{track_id}/versions"
        longer = wav(3.0, rate_hz=44_100)
        client.post(path, {"upload_id": uploaded(owner, longer)}, format="json")
        unknown = client.get(path).json()["results"][0]["audio"]
        assert (unknown["size_bytes"], unknown["loudness_lufs"]) == (len(longer), None)
        make(track_id, 2)
        new, old = (each["audio"] for each in client.get(path).json()["results"])
        assert new.keys() == {
            "codec", "bitrate_bps", "sample_rate_hz", "channels", "duration_ms", "size_bytes",
            "loudness_lufs", "peak_dbfs",
        }  # fmt: skip
        assert (new["sample_rate_hz"], old["sample_rate_hz"]) == (44_100, 22_050)
        assert abs(new["duration_ms"] - old["duration_ms"] - 1000) < 50
        assert new["codec"] == old["codec"] != ""
        assert abs(new["peak_dbfs"] - old["peak_dbfs"]) < 1
        assert -40 < new["loudness_lufs"] < 0

    def test_a_bad_one_leaves_the_track_as_it_is(self, client: APIClient, owner: User) -> None:
        track_id = begin(client, owner)
        path = f"{TRACKS}/{track_id}/versions"
        client.post(path, {"upload_id": uploaded(owner, b"no music")}, format="json")
        make(track_id, 2)
        assert client.get(path).json()["results"][0]["status"] == "rejected"
        assert APIClient().get(f"{TRACKS}/{track_id}").json()["status"] == "ready"

    def test_are_for_who_may_edit(self, client: APIClient, owner: User) -> None:
        track_id = begin(client, owner)
        stranger = make_user()
        path = f"{TRACKS}/{track_id}/versions"
        body = {"upload_id": uploaded(stranger)}
        for answer in (
            client_of(stranger).get(path),
            client_of(stranger).post(path, body, format="json"),
            client_of(stranger).post(f"{path}/1/activate"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "track_not_found")
        assert APIClient().get(path).status_code == 401
        assert TrackVersion.objects.filter(track_id=UUID(track_id)).count() == 1
