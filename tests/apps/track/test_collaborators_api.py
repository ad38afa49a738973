"""People besides its owner who may edit a track."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.track.events import TrackCollaboratorAdded, TrackCollaboratorRemoved
from apps.track.models import Track, TrackCollaborator
from apps.track.services import own_data
from apps.track.services.tracks import delete_track
from tests.factories.auth import client_of, make_user
from tests.support import published

pytestmark = pytest.mark.django_db

TRACKS = "/api/v1/tracks"


@pytest.fixture
def owner() -> User:
    return make_user(username="mona")


@pytest.fixture
def bo() -> User:
    return make_user(username="bo-bo")


@pytest.fixture
def path(owner: User) -> str:
    track = Track.objects.create(owner=owner, title="Dawn")
    track.versions.create(n=1, source_key="x", size_bytes=1)
    return f"{TRACKS}/{track.id}"


def test_may_edit_until_they_are_removed(owner: User, bo: User, path: str) -> None:
    client, other = client_of(owner), client_of(bo)
    assert other.get(path).status_code == 404
    for _ in range(2):
        assert client.put(f"{path}/collaborators/BO-BO").status_code == 204

    assert other.patch(path, {"title": "Dusk"}, format="json").json()["title"] == "Dusk"
    assert other.get(f"{path}/versions").status_code == 200
    for reader in (client, other):
        [found] = reader.get(f"{path}/collaborators").json()["results"]
        assert found["user"] == {
            "id": str(bo.id), "username": "bo-bo", "display_name": "bo-bo", "avatar_url": None,
        }  # fmt: skip
        assert found["added_at"].endswith("Z")

    for _ in range(2):
        assert client.delete(f"{path}/collaborators/bo-bo").status_code == 204
    assert other.get(path).status_code == 404
    assert other.patch(path, {"title": "mine"}, format="json").status_code == 404
    [added], [removed] = published(TrackCollaboratorAdded), published(TrackCollaboratorRemoved)
    assert added == removed
    assert (added["owner_id"], added["collaborator_id"]) == (str(owner.id), str(bo.id))


def test_are_chosen_by_the_owner_alone(owner: User, bo: User, path: str) -> None:
    client_of(owner).put(f"{path}/collaborators/bo-bo")
    make_user(username="cy-cy")
    other = client_of(bo)
    assert other.put(f"{path}/collaborators/cy-cy").json()["code"] == "track_not_found"
    assert other.delete(f"{path}/collaborators/mona").status_code == 404
    stranger = client_of(make_user())
    for answer in (
        stranger.get(f"{path}/collaborators"),
        stranger.put(f"{path}/collaborators/cy-cy"),
        stranger.delete(f"{path}/collaborators/bo-bo"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "track_not_found")
    assert APIClient().get(f"{path}/collaborators").status_code == 401
    assert TrackCollaborator.objects.get().user_id == bo.id


def test_may_leave(owner: User, bo: User, path: str) -> None:
    client_of(owner).put(f"{path}/collaborators/bo-bo")
    assert client_of(bo).delete(f"{path}/collaborators/bo-bo").status_code == 204
    assert not TrackCollaborator.objects.exists()


@pytest.mark.parametrize("name", ["nobody", "bo-bo@example.org", "x" * 300])
def test_are_people_that_there_are(owner: User, bo: User, path: str, name: str) -> None:
    answer = client_of(owner).put(f"{path}/collaborators/{name}")
    assert answer.status_code == 404
    assert not TrackCollaborator.objects.exists()


def test_never_hold_the_owner_or_who_has_left(owner: User, path: str) -> None:
    gone = make_user(username="gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    client = client_of(owner)
    assert client.put(f"{path}/collaborators/mona").status_code == 204
    assert client.put(f"{path}/collaborators/gone").json()["code"] == "user_not_found"
    assert client.get(f"{path}/collaborators").json()["results"] == []


def test_of_a_deleted_track_are_nobody(owner: User, bo: User, path: str) -> None:
    client_of(owner).put(f"{path}/collaborators/bo-bo")
    track = Track.objects.get()
    delete_track(track_id=track.id, user_id=owner.id, now=timezone.now())
    assert client_of(bo).get(f"{path}/collaborators").status_code == 404


def test_are_told_what_they_share_and_are_forgotten(owner: User, bo: User, path: str) -> None:
    client_of(owner).put(f"{path}/collaborators/bo-bo")
    [part] = [each for each in own_data._PARTS if each.name == "shared_tracks"]
    [row] = part.read(bo.id)
    assert row["track__title"] == "Dawn"
    assert list(part.read(owner.id)) == []
    part.erase(bo.id)
    assert not TrackCollaborator.objects.exists()
