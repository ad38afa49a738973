"""Avatars and banners over HTTP."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from apps.auth.events import UserUpdated
from apps.auth.models import User
from tests.factories.auth import client_of, make_user
from tests.factories.pictures import PAYLOAD, bomb, noise, picture
from tests.support import published
from veza.integrations.object_storage import ObjectStorage, StorageUnavailableError, object_storage
from veza.integrations.object_storage.memory import MemoryObjectStorage

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"
AVATAR = f"{ME}/avatar"
BANNER = f"{ME}/banner"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def storage(settings: Any) -> ObjectStorage:
    settings.PUBLIC_URL = "https://api.example.org"
    settings.OBJECT_STORAGE_BACKEND = "veza.integrations.object_storage.memory.MemoryObjectStorage"
    return object_storage()


@pytest.fixture
def upload(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """Put a file as the field of a form, or as the body, and let the commit have its effect."""

    def put(client: Any, path: str, content: bytes, kind: str = "", **extra: Any) -> Any:
        file = SimpleUploadedFile("../me.svg", content, content_type="image/svg+xml")
        with django_capture_on_commit_callbacks(execute=True):
            if kind:
                return client.generic("PUT", path, content, content_type=kind, **extra)
            return client.put(path, {"file": file}, format="multipart", **extra)

    return put


def stored(storage: ObjectStorage) -> list[str]:
    return [stat.key for stat in storage.list_objects("")]


def seen(url: str) -> Image.Image:
    """The picture that a browser gets."""
    response: Any = Client().get(urlsplit(url).path)
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    return Image.open(BytesIO(b"".join(response.streaming_content)))


def assert_problem(response: Any, status: int, code: str) -> None:
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"]) == (status, code)


class TestUpload:
    @pytest.mark.parametrize("kind", ["", "image/png", "image/whatever", "IMAGE/JPEG; q=1"])
    def test_shows_the_avatar_in_three_sizes(self, upload, kind) -> None:
        client = client_of(make_user())

        response = upload(client, AVATAR, picture(size=(300, 200)), kind)

        assert response.status_code == 200, response.content
        user = response.json()
        assert list(user["avatars"]) == ["64", "256", "512"]
        for width, url in user["avatars"].items():
            assert url.startswith("https://api.example.org/files/public/avatars/")
            assert seen(url).size == (int(width), int(width))
        assert user["avatar_url"] == user["avatars"]["256"]
        assert (user["banner_url"], user["banners"]) == (None, None)
        again = client.get(ME)
        assert (again.json(), again["ETag"]) == (user, response["ETag"])

    def test_shows_the_banner_in_two_sizes(self, upload) -> None:
        client = client_of(make_user())

        user = upload(client, BANNER, picture()).json()

        sizes = {width: seen(url).size for width, url in user["banners"].items()}
        assert sizes == {"600": (600, 200), "1500": (1500, 500)}
        assert user["banner_url"] == user["banners"]["1500"]
        assert (user["avatar_url"], user["avatars"]) == (None, None)

    def test_is_told_to_the_clients_of_the_user(self, upload) -> None:
        user = make_user()
        client = client_of(user)

        upload(client, AVATAR, picture())
        upload(client, BANNER, picture())
        client.delete(AVATAR)

        changes = [fact["changed"] for fact in published(UserUpdated)]
        assert changes == [["avatar"], ["banner"], ["avatar"]]

    def test_removes_what_was_there_before_and_nothing_else(self, upload, storage) -> None:
        client, neighbour = client_of(make_user()), client_of(make_user())
        upload(neighbour, AVATAR, picture())
        upload(client, BANNER, picture())
        kept = stored(storage)
        first = upload(client, AVATAR, picture()).json()

        second = upload(client, AVATAR, picture()).json()

        assert first["avatar_url"] != second["avatar_url"]
        assert len(stored(storage)) == len(kept) + 3
        assert set(kept) < set(stored(storage))
        seen(second["avatar_url"])
        assert Client().get(urlsplit(first["avatar_url"]).path).status_code == 404

    def test_takes_ten_mebibytes_and_no_byte_more(self, upload, storage) -> None:
        client = client_of(make_user())
        whole = picture()
        most = whole + bytes(10 * MIB - len(whole))

        for kind in ("", "image/png"):
            assert upload(client, AVATAR, most, kind).status_code == 200
            before = stored(storage)
            for much in (most + b"x", most + bytes(MIB), noise((4000, 3000))):
                assert_problem(upload(client, AVATAR, much, kind), 413, "image_too_large")
            assert stored(storage) == before

    def test_refuses_too_many_pixels(self, upload, storage) -> None:
        client = client_of(make_user())

        for size in ((6400, 6251), (30_000, 30_000)):
            assert_problem(upload(client, AVATAR, bomb(*size)), 413, "image_too_large")
        assert stored(storage) == []

    @pytest.mark.parametrize("kind", ["", "image/png", "image/svg+xml"])
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"x",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<!doctype html>" + PAYLOAD,
            b"GIF89a/*" + PAYLOAD,
            picture("GIF"),
            picture("PNG")[:300],
            picture("JPEG")[:200],
            picture("WEBP")[:-10],
        ],
    )
    def test_refuses_what_is_no_picture(self, upload, storage, content, kind) -> None:
        user = make_user(avatar_url="https://example.org/a.png")
        client = client_of(user)

        assert_problem(upload(client, AVATAR, content, kind), 400, "image_invalid")
        assert client.get(ME).json()["avatar_url"] == "https://example.org/a.png"
        assert (stored(storage), published(UserUpdated)) == ([], [])

    def test_passes_on_nothing_but_the_picture(self, upload, storage) -> None:
        client = client_of(make_user())

        assert upload(client, AVATAR, picture("JPEG") + PAYLOAD).status_code == 200
        assert [PAYLOAD in storage.read(key) for key in stored(storage)] == [False] * 3

    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"avatar": SimpleUploadedFile("a.png", picture())},
            {"file": "text and no file"},
            {"file": ""},
        ],
    )
    def test_names_the_field_that_is_missing(self, form) -> None:
        response = client_of(make_user()).put(AVATAR, form, format="multipart")

        assert_problem(response, 400, "image_invalid")
        fault = response.json()["errors"][0]
        assert (fault["field"], fault["code"]) == ("file", "required")

    def test_without_a_body_names_it_too(self) -> None:
        client: Any = client_of(make_user())
        for kind in ("image/png", "multipart/form-data; boundary=x", "application/json"):
            response = client.generic("PUT", AVATAR, b"", content_type=kind)
            assert_problem(response, 400, "image_invalid")

    @pytest.mark.parametrize(
        "kind",
        [
            "application/json",
            "text/html",
            "application/octet-stream",
            "",
            "/",
            "video/mp4",
        ],
    )
    def test_refuses_other_media_types(self, kind) -> None:
        client: Any = client_of(make_user())

        response = client.generic("PUT", AVATAR, picture(), content_type=kind)

        assert_problem(response, 415, "unsupported_media_type")

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=", b"x"),
            ("multipart/form-data; boundary=" + "x" * 210, b"x"),
            ("multipart/form-data; boundary=\xe4", b"x"),
            ("multipart/form-data; boundary=x", b"x"),
            ("multipart/form-data; boundary=x", b"--x"),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\n" * 5000),
            ("multipart/form-data; boundary=x; charset=nonsense", b"--x--"),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
                b"Content-Transfer-Encoding: base64\r\n\r\n!!!!!\r\n--x--\r\n",
            ),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
                + picture()[:60],
            ),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1100 + b"--x--",
            ),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n1\r\n' * 200
                + b"--x--",
            ),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
                + bytes(4 * MIB)
                + b"\r\n--x--",
            ),
        ],
    )
    def test_answers_a_malformed_form_with_a_problem(self, kind, body) -> None:
        client: Any = client_of(make_user())

        response = client.generic("PUT", AVATAR, body, content_type=kind)

        assert response["Content-Type"] == "application/problem+json", response.content
        assert response.status_code in (400, 413), response.content
        assert response.json()["code"] in ("image_invalid", "bad_request", "body_too_large")

    def test_changes_only_the_version_that_was_read(self, upload, storage) -> None:
        client = client_of(make_user())
        etag = client.get(ME)["ETag"]

        first = upload(client, AVATAR, picture(), headers={"If-Match": etag})
        second = upload(client, AVATAR, picture(), headers={"If-Match": etag})
        gone = client.delete(AVATAR, headers={"If-Match": etag})

        assert [each.status_code for each in (first, second, gone)] == [200, 412, 412]
        assert len(stored(storage)) == 3

    def test_needs_a_token(self, api_client: APIClient) -> None:
        for path in (AVATAR, BANNER):
            for response in (
                api_client.put(path, {"file": SimpleUploadedFile("a", b"x")}, format="multipart"),
                api_client.delete(path),
            ):
                assert_problem(response, 401, "not_authenticated")

    @pytest.mark.parametrize("method", ["get", "post", "patch"])
    def test_has_no_other_method(self, method) -> None:
        assert_problem(getattr(client_of(make_user()), method)(AVATAR), 405, "method_not_allowed")

    def test_without_a_storage_changes_nothing(self, upload, monkeypatch) -> None:
        def away(*_: object) -> None:
            raise StorageUnavailableError

        client = client_of(make_user())
        before = upload(client, AVATAR, picture()).json()
        monkeypatch.setattr(MemoryObjectStorage, "put", away)

        assert_problem(upload(client, AVATAR, picture()), 503, "storage_unavailable")
        assert client.get(ME).json() == before

    def test_is_shown_though_the_old_one_cannot_be_removed(self, upload, monkeypatch) -> None:
        def away(*_: object) -> None:
            raise StorageUnavailableError

        client = client_of(make_user())
        upload(client, AVATAR, picture())
        monkeypatch.setattr(MemoryObjectStorage, "delete", away)

        assert upload(client, AVATAR, picture()).status_code == 200


class TestRemoval:
    def test_removes_the_picture_and_its_files(
        self, upload, storage, django_capture_on_commit_callbacks
    ) -> None:
        client = client_of(make_user())
        upload(client, BANNER, picture())
        left = stored(storage)
        upload(client, AVATAR, picture())

        with django_capture_on_commit_callbacks(execute=True):
            response = client.delete(AVATAR)

        assert (response.status_code, response.content) == (204, b"")
        user = client.get(ME).json()
        assert (user["avatar_url"], user["avatars"]) == (None, None)
        assert stored(storage) == left

    def test_removes_one_that_lies_elsewhere(self) -> None:
        client = client_of(make_user(avatar_url="https://example.org/a.png"))

        client.delete(AVATAR)

        assert client.get(ME).json()["avatar_url"] is None

    def test_of_nothing_changes_nothing(self) -> None:
        client = client_of(make_user())
        etag = client.get(ME)["ETag"]

        assert client.delete(AVATAR).status_code == 204
        assert (client.get(ME)["ETag"], published(UserUpdated)) == (etag, [])


class TestProfile:
    def test_takes_an_address_instead_of_an_uploaded_picture(
        self, upload, storage, django_capture_on_commit_callbacks
    ) -> None:
        client = client_of(make_user())
        upload(client, AVATAR, picture())
        elsewhere = {"avatar_url": "https://example.org/a.png"}

        with django_capture_on_commit_callbacks(execute=True):
            user = client.patch(ME, elsewhere, format="json").json()

        assert (user["avatar_url"], user["avatars"]) == (elsewhere["avatar_url"], None)
        assert stored(storage) == []

    def test_that_comes_back_as_it_was_read_changes_nothing(self, upload, storage) -> None:
        client = client_of(make_user())
        upload(client, AVATAR, picture())
        read = client.get(ME)

        written = client.patch(ME, {"avatar_url": read.json()["avatar_url"]}, format="json")

        assert (written.json(), written["ETag"]) == (read.json(), read["ETag"])
        assert len(stored(storage)) == 3
        assert len(published(UserUpdated)) == 1

    def test_names_the_pictures_at_the_present_address_of_the_server(
        self, upload, settings
    ) -> None:
        user = make_user()
        client = client_of(user)
        upload(client, AVATAR, picture())
        settings.PUBLIC_URL = "https://new.example.org"

        shown = client.get(ME).json()

        assert shown["avatar_url"] == shown["avatars"]["256"]
        assert shown["avatar_url"].startswith("https://new.example.org/files/")
        assert User.objects.get(pk=user.pk).avatar_url.startswith("https://api.example.org/")
