"""FILE_DELIVERY=redirect: clients fetch from the bucket, or a CDN, what they may have."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from tests.veza.integrations.own_s3 import OwnS3
from veza.config import ConfigError, load
from veza.integrations.object_storage import object_storage
from veza.integrations.object_storage.links import signed_link
from veza.kit.models import new_id


@pytest.fixture(autouse=True)
def _redirects(own_s3: OwnS3, settings: Any) -> None:
    for name, value in own_s3.settings.items():
        setattr(settings, name, value)
    settings.OBJECT_STORAGE_BACKEND = "veza.integrations.object_storage.s3.S3ObjectStorage"
    settings.FILE_DELIVERY = "redirect"


@pytest.fixture
def picture() -> str:
    key = f"public/pictures/{new_id()}.webp"
    object_storage().put(key, b"0123456789")
    return key


@pytest.fixture
def song() -> str:
    key = f"tracks/{new_id()}/song.mp3"
    object_storage().put(key, b"music")
    return key


def signed(key: str, *, lifetime_s: int = 60, filename: str = "") -> str:
    link = signed_link(key, now=timezone.now(), lifetime_s=lifetime_s, filename=filename)
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def test_public_file_comes_from_the_bucket(client: Client, picture: str) -> None:
    answer = client.get(f"/files/{picture}")

    assert (answer.status_code, answer.content) == (302, b"")
    assert answer["Cache-Control"] == "public, max-age=300"
    there = httpx.get(answer["Location"], headers={"Range": "bytes=2-4"})
    assert (there.status_code, there.content) == (206, b"234")
    assert there.headers["Content-Type"] == "image/webp"
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["X-Amz-Expires"] == ["600"]
    assert query["response-cache-control"] == ["public, max-age=31536000, immutable"]


def test_private_file_is_redirected_no_longer_than_its_link(client: Client, song: str) -> None:
    answer = client.get(signed(song, filename="Ä.mp3"))

    assert answer.status_code == 302
    private, _, left_s = answer["Cache-Control"].partition(", max-age=")
    assert (private, 0 < int(left_s) <= 60) == ("private", True)
    there = httpx.get(answer["Location"])
    assert there.content == b"music"
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["response-content-disposition"] == ["attachment; filename*=utf-8''%C3%84.mp3"]


@pytest.mark.parametrize("change", ["", "?expires=9999999999&signature=x"])
def test_nobody_is_sent_to_what_he_may_not_have(client: Client, song: str, change: str) -> None:
    answer = client.get(f"/files/{song}{change}")

    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")
    assert "Location" not in answer


def test_file_that_is_not_there_is_no_redirect(client: Client) -> None:
    assert client.get("/files/public/none.webp").status_code == 404


def test_head_is_answered_here(client: Client, picture: str) -> None:
    answer = client.head(f"/files/{picture}")

    assert (answer.status_code, answer["Content-Length"]) == (200, "10")


def test_cdn_is_for_what_everyone_may_have(
    client: Client, picture: str, song: str, settings: Any
) -> None:
    settings.CDN_URL = "https://cdn.example/"

    public, private = client.get(f"/files/{picture}"), client.get(signed(song))

    assert public["Location"] == f"https://cdn.example/{picture}"
    assert urlsplit(private["Location"]).netloc != "cdn.example"


@pytest.mark.parametrize(
    "environ",
    [
        {"FILE_DELIVERY": "redirect"},
        {"FILE_DELIVERY": "nginx", "S3_BUCKET": "veza"},
        {"FILE_DELIVERY": "pigeon"},
        {"CDN_URL": "https://cdn.example"},
    ],
)
def test_settings_that_cannot_be_are_refused(environ: dict[str, str], tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match=r"FILE_DELIVERY|CDN_URL"):
        load({"VEZA_DATA_DIR": str(tmp_path), **environ})
