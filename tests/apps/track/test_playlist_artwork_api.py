"""Pictures of playlists."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.models import Playlist
from apps.track.services.artwork_files import sweep_artwork
from apps.track.services.own_data import _erase_playlists
from tests.factories.auth import client_of, make_user
from tests.factories.pictures import picture
from veza.integrations.object_storage import object_storage

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def playlist(owner: User) -> Playlist:
    return Playlist.objects.create(owner=owner, title="Late trains", visibility="public")


def path_of(playlist: Playlist) -> str:
    return f"/api/v1/playlists/{playlist.id}"


def put(client: APIClient, playlist: Playlist, **more: Any) -> Any:
    return client.put(f"{path_of(playlist)}/artwork", picture(), content_type="image/png", **more)


def stored() -> list[str]:
    return sorted(stat.key for stat in object_storage().list_objects("artwork/"))


def shown(playlist: Playlist) -> str | None:
    url: str | None = APIClient().get(path_of(playlist)).json()["artwork_url"]
    return url


def test_is_drawn_anew_and_shown(owner: User, playlist: Playlist) -> None:
    before = len(stored())
    answer = put(client_of(owner), playlist)
    assert answer.status_code == 200, answer.content
    assert len(stored()) == before + 2
    parts = urlsplit(shown(playlist) or "")
    image = APIClient().get(f"{parts.path}?{parts.query}")
    assert image.status_code == 200
    assert b"".join(image)[8:12] == b"WEBP"
    assert APIClient().get(parts.path).status_code in (403, 404)


def test_gives_way_to_another_and_goes_with_the_playlist(
    owner: User, playlist: Playlist, django_capture_on_commit_callbacks: Any
) -> None:
    client, before = client_of(owner), stored()
    with django_capture_on_commit_callbacks(execute=True):
        put(client, playlist)
    first = stored()
    with django_capture_on_commit_callbacks(execute=True):
        put(client, playlist)
    assert len(stored()) == len(first)
    assert stored() != first
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete(path_of(playlist)).status_code == 204
    assert stored() == before


def test_is_removed(
    owner: User, playlist: Playlist, django_capture_on_commit_callbacks: Any
) -> None:
    client, before = client_of(owner), stored()
    put(client, playlist)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            assert client.delete(f"{path_of(playlist)}/artwork").status_code == 204
    assert stored() == before
    assert shown(playlist) is None


def test_goes_with_its_owner(
    owner: User, playlist: Playlist, django_capture_on_commit_callbacks: Any
) -> None:
    before = stored()
    put(client_of(owner), playlist)
    with django_capture_on_commit_callbacks(execute=True):
        _erase_playlists(owner.id)
    assert stored() == before


def test_is_for_the_owner_and_the_version_that_he_knows(owner: User, playlist: Playlist) -> None:
    before = stored()
    assert put(client_of(make_user()), playlist).status_code == 404
    assert put(APIClient(), playlist).status_code == 401
    client = client_of(owner)
    assert put(client, playlist, headers={"if-match": '"other"'}).status_code == 412
    assert stored() == before
    file = SimpleUploadedFile("a.png", b"no picture")
    path = f"{path_of(playlist)}/artwork"
    assert client.put(path, {"file": file}, format="multipart").json()["code"] == "image_invalid"
    assert client.put(path, {}, format="multipart").status_code == 400


def test_is_swept_away_when_it_is_nobodys(owner: User, playlist: Playlist) -> None:
    put(client_of(owner), playlist)
    object_storage().put("artwork/playlists/lost-1/640.webp", b"x")
    now = timezone.now()
    assert sweep_artwork(now=now) == 0
    assert sweep_artwork(now=now + timedelta(days=2)) >= 1
    assert "artwork/playlists/lost-1/640.webp" not in stored()
    parts = urlsplit(shown(playlist) or "")
    assert APIClient().get(f"{parts.path}?{parts.query}").status_code == 200
