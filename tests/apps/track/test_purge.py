"""What nobody can reach any more goes, and nothing else."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.auth.models import User
from apps.track.models import Track, TrackVersion
from apps.track.services import purge
from tests.factories.auth import make_user
from veza.integrations.object_storage import object_storage

pytestmark = pytest.mark.django_db(transaction=True)


def make_track(owner: User, *, deleted_at: datetime | None = None) -> TrackVersion:
    """With a file, and one that was made of it."""
    track = Track.objects.create(owner=owner, title="Dawn", deleted_at=deleted_at)
    key = f"tracks/{uuid4()}/source"
    version = TrackVersion.objects.create(track=track, n=1, source_key=key, size_bytes=1)
    for each in (key, f"tracks/{version.id}/hls/master.m3u8"):
        object_storage().put(each, b"x")
    return version


def files_of(version: TrackVersion) -> int:
    storage = object_storage()
    made = list(storage.list_objects(f"tracks/{version.id}/"))
    return len(made) + storage.exists(version.source_key)


def test_what_was_deleted_long_ago_goes_with_its_files() -> None:
    owner, now = make_user(), timezone.now()
    old = make_track(owner, deleted_at=now - timedelta(days=31))
    young = make_track(owner, deleted_at=now - timedelta(days=29))
    kept = make_track(owner)

    assert purge.purge_deleted(now=now) == 1
    assert [files_of(version) for version in (old, young, kept)] == [0, 2, 2]
    assert Track.objects.count() == 2


def test_files_without_a_row_go_after_a_day() -> None:
    kept = make_track(make_user())
    lost = f"tracks/{uuid4()}/source"
    object_storage().put(lost, b"x")
    now = timezone.now()

    purge.remove_orphans(now=now)
    assert object_storage().exists(lost)
    purge.remove_orphans(now=now + timedelta(days=2))
    assert not object_storage().exists(lost)
    assert files_of(kept) == 2
