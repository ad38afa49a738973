"""Uploads straight to the bucket: parts are really PUT to moto's server, as a browser would."""

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.events import UploadFinished
from apps.track.models import Upload
from apps.track.services import upload_sweep
from apps.track.services.uploads import create_upload
from apps.track.types import Metadata
from tests.factories.auth import client_of, make_user
from tests.factories.sounds import wav
from tests.support import published
from veza.integrations.object_storage import object_storage
from veza.integrations.upload_storage import upload_storage

pytestmark = pytest.mark.django_db

DIRECT = "/api/v1/uploads/direct"
MIB = 1024**2


@pytest.fixture
def user() -> User:
    return make_user(username="mona")


@pytest.fixture
def client(user: User) -> APIClient:
    return client_of(user)


@pytest.fixture
def bucket(own_s3: Any, settings: Any) -> None:
    for name, value in own_s3.settings.items():
        setattr(settings, name, value)
    settings.OBJECT_STORAGE_BACKEND = "veza.integrations.object_storage.s3.S3ObjectStorage"
    settings.UPLOAD_STORAGE_BACKEND = "veza.integrations.upload_storage.s3.S3UploadStorage"


def begin(client: APIClient, size: int, **more: Any) -> Any:
    return client.post(
        DIRECT, {"filename": "First light.wav", "size_bytes": size, **more}, format="json"
    )


def send(begun: dict[str, Any], content: bytes) -> list[dict[str, Any]]:
    """PUT every part; what `complete` is to be told."""
    told, start = [], 0
    for part in begun["parts"]:
        piece = content[start : start + part["size_bytes"]]
        answer = httpx.put(part["url"], content=piece).raise_for_status()
        told.append({"n": part["n"], "etag": answer.headers["ETag"]})
        start += len(piece)
    return told


def complete(client: APIClient, begun: dict[str, Any], told: list[dict[str, Any]]) -> Any:
    path = f"/api/v1/uploads/{begun['upload_id']}/complete"
    return client.post(path, {"parts": told}, format="json")


def unfinished() -> set[str]:
    return {each.key for each in upload_storage().list_unfinished("uploads/")}


@pytest.mark.usefixtures("bucket")
class TestDirectUpload:
    def test_of_several_parts_is_put_together(self, client: APIClient, user: User) -> None:
        content = bytes(range(256)) * 4096 * 11 + b"the end"  # 11 MiB and a little
        begun = begin(client, len(content), part_size_bytes=5 * MIB)
        assert (begun.status_code, begun["Location"]) == (
            201, f"/api/v1/uploads/{begun.json()['upload_id']}",
        )  # fmt: skip
        body = begun.json()
        assert [part["size_bytes"] for part in body["parts"]] == [5 * MIB, 5 * MIB, MIB + 7]
        assert [part["n"] for part in body["parts"]] == [1, 2, 3]
        assert body["expires_at"].endswith("Z")

        done = complete(client, body, send(body, content))

        assert done.status_code == 200
        assert done.json()["sha256"] == hashlib.sha256(content).hexdigest()
        assert done.json()["state"] == "finished"
        row = Upload.objects.get(pk=body["upload_id"])
        assert object_storage().read(row.key) == content
        assert row.key not in unfinished()
        [fact] = published(UploadFinished)
        assert (fact["upload_id"], fact["size_bytes"]) == (str(row.id), len(content))

    def test_becomes_a_track_as_any_other(self, client: APIClient) -> None:
        content = wav()
        body = begin(client, len(content)).json()
        complete(client, body, send(body, content))

        made = client.post(
            "/api/v1/tracks",
            {"upload_id": body["upload_id"], "visibility": "public"},
            format="json",
        )
        again = client.post("/api/v1/tracks", {"upload_id": body["upload_id"]}, format="json")

        assert made.status_code == 202
        assert (again.status_code, again.json()["code"]) == (409, "upload_used")
        assert (made.json()["title"], made.json()["status"]) == ("First light", "processing")
        assert complete(client, body, [{"n": 1, "etag": "x"}]).json()["code"] == "upload_used"

    def test_signs_the_size_of_each_part_and_when_it_ends(self, client: APIClient) -> None:
        """moto believes every signature; that sizes and time are signed is all that we can see."""
        body = begin(client, 6 * MIB, part_size_bytes=5 * MIB).json()

        for part in body["parts"]:
            query = parse_qs(urlsplit(part["url"]).query)
            assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
            assert query["X-Amz-Expires"] == [str(24 * 3600)]

    def test_repeat_of_complete_answers_the_same(self, client: APIClient) -> None:
        body = begin(client, 5).json()
        told = send(body, b"hello")

        first, second = complete(client, body, told), complete(client, body, told)

        assert (first.status_code, first.json()) == (200, second.json())
        assert len(published(UploadFinished)) == 1

    def test_with_missing_or_short_parts_waits_for_them(self, client: APIClient) -> None:
        body = begin(client, 6 * MIB, part_size_bytes=5 * MIB).json()
        first, last = body["parts"]
        nothing = complete(client, body, [{"n": 1, "etag": "x"}])
        one = httpx.put(first["url"], content=bytes(5 * MIB)).headers["ETag"]
        short = httpx.put(last["url"], content=b"short").headers["ETag"]
        told = [{"n": 1, "etag": one}, {"n": 2, "etag": short}]
        cut = complete(client, body, told)

        assert [each.status_code for each in (nothing, cut)] == [409, 409]
        assert nothing.json()["code"] == cut.json()["code"] == "upload_incomplete"
        track = client.post("/api/v1/tracks", {"upload_id": body["upload_id"]}, format="json")
        assert (track.status_code, track.json()["code"]) == (409, "upload_incomplete")
        told[1]["etag"] = httpx.put(last["url"], content=bytes(MIB)).headers["ETag"].strip('"')
        assert complete(client, body, told).status_code == 200

    @pytest.mark.parametrize(
        "change", [lambda told: told[0].update(etag="0" * 32), lambda told: told.pop()]
    )
    def test_whose_parts_are_told_wrong_is_refused(self, client: APIClient, change: Any) -> None:
        body = begin(client, 6 * MIB, part_size_bytes=5 * MIB).json()
        told = send(body, bytes(6 * MIB))
        wrong = [dict(each) for each in told]
        change(wrong)

        answer = complete(client, body, wrong)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == "upload_parts_mismatch"
        assert complete(client, body, told).status_code == 200

    @pytest.mark.parametrize(
        "parts",
        [[], [{"n": 0, "etag": "x"}], [{"n": 1}], [{"n": 1, "etag": "a"}] * 2, "x", [1], None,
         [{"n": 10_001, "etag": "x"}], [{"n": 1, "etag": "a\nb"}]],
    )  # fmt: skip
    def test_takes_parts_in_their_form_only(self, client: APIClient, parts: Any) -> None:
        body = begin(client, 5).json()

        assert complete(client, body, parts).status_code == 400

    @pytest.mark.parametrize(
        ("told", "status"),
        [
            ({"size_bytes": 0}, 400),
            ({"size_bytes": -1}, 400),
            ({"size_bytes": "x"}, 400),
            ({"size_bytes": 1, "part_size_bytes": 5 * MIB - 1}, 400),
            ({"size_bytes": 1, "part_size_bytes": 513 * MIB}, 400),
            ({"size_bytes": 1, "filename": ""}, 400),
            ({"size_bytes": 1, "filename": "a\nb"}, 400),
            ({"size_bytes": 2 * 1024 * MIB + 1}, 413),
        ],
    )
    def test_has_limits(self, client: APIClient, told: dict[str, Any], status: int) -> None:
        answer = client.post(DIRECT, {"filename": "a.wav", **told}, format="json")

        assert answer.status_code == status
        assert unfinished() & {row.key for row in Upload.objects.all()} == set()

    def test_counts_against_the_quota(self, client: APIClient, settings: Any) -> None:
        settings.UPLOAD_QUOTA_BYTES = 10
        assert begin(client, 6).status_code == 201

        refused = begin(client, 5)

        assert (refused.status_code, refused.json()["code"]) == (413, "upload_quota_exceeded")

    def test_is_its_owners_alone(self, client: APIClient) -> None:
        body = begin(client, 5).json()
        told = send(body, b"hello")

        other = complete(client_of(make_user(username="other")), body, told)

        assert (other.status_code, other.json()["code"]) == (404, "upload_not_found")
        assert Upload.objects.get(pk=body["upload_id"]).state == "receiving"

    def test_expires_and_leaves_nothing(self, client: APIClient, user: User) -> None:
        body = begin(client, 5).json()
        told = send(body, b"hello")
        row = Upload.objects.get(pk=body["upload_id"])
        assert row.key in unfinished()
        with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
            late = complete(client_of(user), body, told)
            upload_sweep.expire_due(now=timezone.now())

        assert (late.status_code, late.json()["code"]) == (410, "upload_expired")

    def test_that_was_killed_before_its_end_is_finished_by_the_sweep(
        self, client: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = begin(client, 5).json()
        told = send(body, b"hello")

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as killed:
            killed.setattr("apps.track.services.direct_uploads.finish_upload", die)
            with pytest.raises(KeyboardInterrupt):
                complete(client, body, told)

        assert upload_sweep.finish_left_whole(now=timezone.now()) == 1
        row = Upload.objects.get(pk=body["upload_id"])
        assert (row.state, row.sha256) == ("finished", hashlib.sha256(b"hello").hexdigest())

    def test_whose_row_is_gone_is_swept_away(self, client: APIClient) -> None:
        body = begin(client, 5).json()
        send(body, b"hello")
        row = Upload.objects.get(pk=body["upload_id"])
        row.delete()

        upload_sweep.remove_orphans(now=timezone.now() + timedelta(days=2))

        assert row.key not in unfinished()


def test_without_a_bucket_there_is_none(client: APIClient) -> None:
    answer = begin(client, 5)

    assert (answer.status_code, answer.json()["code"]) == (409, "direct_upload_unavailable")
    assert not Upload.objects.exists()


def test_nobody_begins_one_without_a_token() -> None:
    assert begin(APIClient(), 5).status_code == 401


def test_other_uploads_have_no_parts(client: APIClient, user: User) -> None:
    row = create_upload(user_id=user.id, size_bytes=5, metadata=Metadata(), now=timezone.now())

    answer = complete(client, {"upload_id": row.id}, [{"n": 1, "etag": "x"}])

    assert (answer.status_code, answer.json()["code"]) == (409, "upload_not_direct")


class TestBesideTus:
    """Over the real server, where uploads are answered before Django is asked."""

    @pytest.fixture
    def begun(self, live: Any, own_s3: Any, _account: Any):
        with live.another_web(DJANGO_SETTINGS_MODULE="veza.settings", **own_s3.settings) as web:
            answer = web.call(
                "POST", DIRECT, headers=_account.headers, json={"filename": "a", "size_bytes": 5}
            )
            assert answer.status_code == 201
            yield web, _account, answer.json()

    def test_it_is_completed_or_given_up_without_the_protocol(self, begun: Any) -> None:
        web, account, body = begun
        path = f"/api/v1/uploads/{body['upload_id']}"
        tus = {"Tus-Resumable": "1.0.0", **account.headers}
        bytes_at = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}

        refused = web.call("PATCH", path, content=b"hello", headers=tus | bytes_at)
        done = web.call(
            "POST",
            f"{path}/complete/",
            headers=account.headers,
            json={"parts": send(body, b"hello")},
        )
        gone = web.call("DELETE", path, headers=account.headers)

        assert (refused.status_code, refused.json()["code"]) == (409, "upload_direct")
        assert done.status_code == 200
        assert gone.status_code == 204
        assert web.call("HEAD", path, headers=tus).status_code == 404

    def test_the_protocol_keeps_its_rule_for_its_own(self, begun: Any) -> None:
        web, account, _ = begun
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", **account.headers}
        made = web.call("POST", "/api/v1/uploads", headers=headers).headers["Location"]

        kept = web.call("DELETE", urlsplit(made).path, headers=account.headers)

        assert (kept.status_code, kept.json()["code"]) == (412, "tus_version_unsupported")
