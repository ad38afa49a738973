"""/files/<key>: who may read what, in parts, and never as a page."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from veza.integrations.object_storage import ObjectStorage, object_storage
from veza.integrations.object_storage.links import signed_link

NOW = timezone.now()
PICTURE = "public/pictures/1.webp"
SONG = "tracks/1/song.mp3"


@pytest.fixture(
    params=["memory.MemoryObjectStorage", "local.LocalObjectStorage", "s3.S3ObjectStorage"],
    autouse=True,
)
def storage(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> ObjectStorage:
    settings.OBJECT_STORAGE_ROOT = tmp_path
    if request.param.startswith("s3"):
        for name, value in request.getfixturevalue("own_s3").settings.items():
            setattr(settings, name, value)
    settings.OBJECT_STORAGE_BACKEND = f"veza.integrations.object_storage.{request.param}"
    storage = object_storage()
    storage.put(PICTURE, b"0123456789")
    storage.put(SONG, b"music")
    return storage


def local(url: str) -> str:
    """The address without its host."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def link(key: str = SONG, lifetime_s: int = 60, filename: str = "") -> str:
    return local(signed_link(key, now=NOW, lifetime_s=lifetime_s, filename=filename))


class Reader(Client):
    """Reads every answer to its end, into `body`."""

    def request(self, **request: Any) -> Any:
        response: Any = super().request(**request)
        stream = response.streaming_content if response.streaming else [response.content]
        response.body = b"".join(stream)
        return response


@pytest.fixture
def client() -> Reader:
    return Reader()


def assert_problem(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response["Content-Type"], response.json()["code"]) == (
        status,
        "application/problem+json",
        code,
    )
    assert "immutable" not in response.get("Cache-Control", "")


class TestPublicFile:
    def test_is_served_to_everyone_for_ever(self, client: Any) -> None:
        response = client.get(f"/files/{PICTURE}")

        assert (response.status_code, response.body) == (200, b"0123456789")
        assert response["Content-Type"] == "image/webp"
        assert response["Content-Length"] == "10"
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["Accept-Ranges"] == "bytes"

    def test_can_do_nothing_in_a_browser(self, client: Any, storage: ObjectStorage) -> None:
        for name in ("page.html", "drawing.svg", "script.js"):
            storage.put(f"public/{name}", b"<script>alert(1)</script>")
            response = client.get(f"/files/public/{name}")

            assert response["Content-Type"] == "application/octet-stream"
            assert response["Content-Disposition"] == "attachment"
            assert response["X-Content-Type-Options"] == "nosniff"
            assert response["Content-Security-Policy"].startswith("sandbox")

    def test_is_sent_again_only_when_it_has_changed(self, client, storage) -> None:
        first = client.get(f"/files/{PICTURE}")
        for headers in (
            {"If-None-Match": first["ETag"]},
            {"If-None-Match": f'"x", W/{first["ETag"]}'},
            {"If-Modified-Since": first["Last-Modified"]},
        ):
            same = client.get(f"/files/{PICTURE}", headers=headers)
            assert (same.status_code, same.body, same["ETag"]) == (304, b"", first["ETag"])
        storage.put(PICTURE, b"new")

        changed = client.get(f"/files/{PICTURE}", headers={"If-None-Match": first["ETag"]})

        assert (changed.status_code, changed.body) == (200, b"new")

    @pytest.mark.parametrize(
        ("asked", "content_range", "content"),
        [
            ("bytes=0-3", "bytes 0-3/10", b"0123"),
            ("bytes=4-", "bytes 4-9/10", b"456789"),
            ("bytes=-3", "bytes 7-9/10", b"789"),
            ("bytes=-99", "bytes 0-9/10", b"0123456789"),
            ("bytes=8-99", "bytes 8-9/10", b"89"),
            ("bytes=9-9", "bytes 9-9/10", b"9"),
        ],
    )
    def test_is_served_in_parts(self, client, asked, content_range, content) -> None:
        for method in (client.get, client.head):
            response = method(f"/files/{PICTURE}", headers={"Range": asked})

            assert (response.status_code, response["Content-Range"]) == (206, content_range)
            assert response["Content-Length"] == str(len(content))
            assert response.body == (content if method == client.get else b"")

    @pytest.mark.parametrize(
        "asked", ["bytes=", "bytes=-", "bytes=3-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "x"]
    )
    def test_is_served_whole_where_no_part_is_named(self, client, asked) -> None:
        response = client.get(f"/files/{PICTURE}", headers={"Range": asked})

        assert (response.status_code, response.body) == (200, b"0123456789")

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
    def test_has_nothing_behind_its_end(self, client, asked) -> None:
        response = client.get(f"/files/{PICTURE}", headers={"Range": asked})

        assert_problem(response, 416, "range_not_satisfiable")
        assert response["Content-Range"] == "bytes */10"

    def test_gives_a_part_only_of_the_version_that_was_begun(self, client) -> None:
        etag = client.head(f"/files/{PICTURE}")["ETag"]
        for version, status in (
            (etag, 206),
            ('"other"', 200),
            ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ):
            response = client.get(
                f"/files/{PICTURE}", headers={"Range": "bytes=0-1", "If-Range": version}
            )
            assert response.status_code == status

    def test_takes_no_name_from_a_stranger(self, client) -> None:
        response = client.get(f"/files/{PICTURE}?filename=setup.exe")

        assert "Content-Disposition" not in response

    def test_can_be_shown_by_pages_of_other_origins(self, client) -> None:
        response = client.get(f"/files/{PICTURE}", headers={"Origin": "http://localhost:3000"})

        assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response["Access-Control-Allow-Origin"] == "http://localhost:3000"

    @pytest.mark.parametrize(
        "path",
        [
            "public/none.webp",
            "public/",
            "public/pictures",
            "public/../tracks/1/song.mp3",
            "public/%2e%2e/tracks/1/song.mp3",
            "public/..%2ftracks%2f1%2fsong.mp3",
            "public/pictures/../../../etc/passwd",
            "public//pictures/1.webp",
            "public/.unfinished/x",
            "public/" + "a" * 600,
            "public/%C3%A4",
            "public/a%5c..%5cb",
        ],
    )
    def test_that_is_not_there_is_a_404(self, client, path) -> None:
        assert_problem(client.get(f"/files/{path}"), 404, "file_not_found")

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_is_only_read(self, client, method) -> None:
        assert_problem(getattr(client, method)(f"/files/{PICTURE}"), 405, "method_not_allowed")


@pytest.fixture
def at_now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.mark.usefixtures("at_now")
class TestSignedLink:
    def test_opens_a_private_file_until_it_expires(self, client, at_now) -> None:
        good = client.get(link(lifetime_s=60))
        at_now.shift(timedelta(seconds=59))
        late = client.get(link(lifetime_s=60))
        at_now.shift(timedelta(seconds=1))
        expired = client.get(link(lifetime_s=60))

        assert (good.status_code, good.body) == (200, b"music")
        assert good["Cache-Control"] == "private, max-age=60"
        assert (late.status_code, late["Cache-Control"]) == (200, "private, max-age=1")
        assert_problem(expired, 403, "link_expired")

    def test_serves_parts(self, client) -> None:
        response = client.get(link(), headers={"Range": "bytes=1-2"})

        assert (response.status_code, response.body) == (206, b"us")

    def test_may_name_the_file(self, client) -> None:
        response = client.get(link(filename='Ä "song".mp3'))

        assert response["Content-Disposition"] == (
            "attachment; filename*=utf-8''%C3%84%20%22song%22.mp3"
        )
        assert "Content-Disposition" not in client.get(link())

    @pytest.mark.parametrize(
        "change",
        [
            {"expires": "9999999999"},
            {"expires": "-1"},
            {"expires": "1e9"},
            {"expires": "٣"},
            {"expires": ""},
            {"signature": ""},
            {"signature": "0" * 64},
            {"signature": "ä"},
            {"filename": "setup.exe"},
            {"filename": "x" * 5000},
        ],
    )
    def test_opens_nothing_when_it_was_changed(self, client, change) -> None:
        path, _, query = link(filename="song.mp3").partition("?")
        changed = {name: values[0] for name, values in parse_qs(query).items()} | change

        assert_problem(client.get(f"{path}?{urlencode(changed)}"), 403, "link_invalid")

    def test_opens_no_other_file(self, client, storage) -> None:
        storage.put("tracks/2/song.mp3", b"other")
        query = link().partition("?")[2]

        for key in ("tracks/2/song.mp3", "tracks/none", "tracks/1"):
            assert_problem(client.get(f"/files/{key}?{query}"), 403, "link_invalid")

    def test_is_needed_before_anyone_learns_what_there_is(self, client) -> None:
        for key in (SONG, "tracks/none", "tracks/../x"):
            assert_problem(client.get(f"/files/{key}"), 403, "link_invalid")

    def test_survives_a_change_of_the_secret(self, client, settings) -> None:
        before = link()
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another secret, long enough to be one"

        assert client.get(before).status_code == 200
        assert client.get(link()).status_code == 200
        settings.SECRET_KEY_FALLBACKS = []
        assert_problem(client.get(before), 403, "link_invalid")

    def test_names_a_file_that_is_gone(self, client, storage) -> None:
        before = link()
        storage.delete(SONG)

        assert_problem(client.get(before), 404, "file_not_found")

    def test_is_made_for_keys_only(self) -> None:
        with pytest.raises(ValueError, match="no key"):
            signed_link("../x", now=NOW, lifetime_s=60)
