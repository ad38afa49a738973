"""Pictures of people below HTTP: files that nobody uses, and uploads at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from apps.auth.errors import UserNotFoundError
from apps.auth.models import User
from apps.auth.selectors import picture_urls
from apps.auth.services import pictures
from apps.auth.tasks import sweep_pictures
from apps.auth.types import PictureKind
from tests.factories.auth import make_user
from tests.factories.pictures import picture
from veza.integrations.object_storage import ObjectStorage, object_storage
from veza.kit.models import new_id

AVATAR, BANNER = PictureKind.AVATAR, PictureKind.BANNER


@pytest.fixture(autouse=True)
def storage(settings: Any) -> ObjectStorage:
    settings.OBJECT_STORAGE_BACKEND = "veza.integrations.object_storage.memory.MemoryObjectStorage"
    return object_storage()


def upload(user: User, kind: PictureKind = AVATAR) -> None:
    pictures.set_picture(user_id=user.id, kind=kind, source=BytesIO(picture()))


def stored(storage: ObjectStorage) -> set[str]:
    return {stat.key for stat in storage.list_objects("")}


@pytest.mark.django_db
class TestSetPicture:
    @pytest.mark.parametrize("user_id", [UUID(int=0), new_id()])
    def test_of_nobody_leaves_nothing_behind(self, storage, user_id) -> None:
        with pytest.raises(UserNotFoundError):
            pictures.set_picture(user_id=user_id, kind=AVATAR, source=BytesIO(picture()))
        assert stored(storage) == set()

    def test_never_uses_a_key_twice(self, storage) -> None:
        """The same picture of two people: what one removes is not the other's."""
        ann, bob = make_user(), make_user()
        for user in (ann, bob):
            upload(user)

        assert len(stored(storage)) == 6

    def test_names_keys_by_their_content(self, storage) -> None:
        user = make_user()
        upload(user)
        first = stored(storage).pop().split("/")[2].rpartition("-")[2]
        upload(user)
        hashes = {key.split("/")[2].rpartition("-")[2] for key in stored(storage)}

        assert hashes == {first}


@pytest.mark.django_db(transaction=True)
class TestUploadsAtTheSameTime:
    def test_leave_the_files_of_the_last_one_alone(self, storage) -> None:
        user = make_user()

        def work(number: int) -> None:
            try:
                upload(user, AVATAR if number % 3 else BANNER)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(work, range(18)))

        user.refresh_from_db()
        shown = [*(picture_urls(user, AVATAR) or ()), *(picture_urls(user, BANNER) or ())]
        assert len(shown) == len(stored(storage)) == 5
        assert {key.rpartition("/")[0] for key in stored(storage)} == {
            user.avatar_prefix,
            user.banner_prefix,
        }


@pytest.mark.django_db
class TestSweepFiles:
    def test_removes_what_is_nobodys_after_a_day(self, storage) -> None:
        user = make_user()
        upload(user)
        upload(user, BANNER)
        used = stored(storage)
        orphans = {
            f"public/{folder}/{new_id().hex}-ab/64.webp" for folder in ("avatars", "banners")
        }
        for key in (*orphans, "public/covers/a.webp", "tracks/a"):
            storage.put(key, b"x")
        everything = stored(storage)
        now = timezone.now()

        assert pictures.sweep_files(now=now + timedelta(hours=23)) == 0
        assert stored(storage) == everything
        assert pictures.sweep_files(now=now + timedelta(hours=25)) == 2
        assert stored(storage) == everything - orphans
        assert used < stored(storage)

    def test_is_done_by_a_task(self, storage) -> None:
        storage.put("public/avatars/x-y/64.webp", b"young")

        sweep_pictures()

        assert stored(storage) == {"public/avatars/x-y/64.webp"}
