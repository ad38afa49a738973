"""The life of an upload, as the rest of the platform sees it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.track.errors.uploads import (
    UploadEmptyError,
    UploadExpiredError,
    UploadIncompleteError,
    UploadInterruptedError,
    UploadNotFoundError,
    UploadQuotaError,
    UploadTooLargeError,
    UploadUnknownError,
    UploadUsedError,
)
from apps.track.events import UploadFinished
from apps.track.models import Upload
from apps.track.selectors.uploads import get_upload
from apps.track.services import own_uploads, upload_sweep, writers
from apps.track.services.uploads import (
    LIFETIME,
    create_upload,
    take_upload,
    terminate_upload,
)
from apps.track.services.writing import Writing
from apps.track.types import Metadata, UploadState
from tests.factories.auth import make_user
from tests.support import published
from veza.integrations.object_storage import object_storage
from veza.integrations.upload_storage import upload_storage

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def user():
    return make_user()


def begin(user, size=5, *, now=None) -> Upload:
    return create_upload(
        user_id=user.id, size_bytes=size, metadata=Metadata(), now=now or timezone.now()
    )


def hold(row: Upload) -> writers.Hold:
    found = writers.take_hold(upload_id=row.id, user_id=row.user_id, now=timezone.now())
    assert found is not None
    return found


def write(row: Upload, content: bytes) -> None:
    """One request that brings the bytes; it finishes the upload with the last of them."""
    held = hold(row)
    writing = Writing(hold=held)
    writing.write(content)
    writing.end(is_whole=True)
    if writing.offset_bytes == row.size_bytes:
        writing.finish()
    writing.close()
    writers.let_go(upload_id=row.id, writer=held.writer)
    row.refresh_from_db()


def finished(user, content=b"hello") -> Upload:
    row = begin(user, len(content))
    write(row, content)
    return row


class TestTaking:
    def test_gives_the_object_to_a_track_once(self, user):
        row = finished(user)

        taken = take_upload(upload_id=row.id, user_id=user.id, now=timezone.now())

        assert object_storage().read(taken.key) == b"hello"
        with pytest.raises(UploadUsedError):
            take_upload(upload_id=row.id, user_id=user.id, now=timezone.now())
        with pytest.raises(UploadUsedError):
            terminate_upload(upload_id=row.id, user_id=user.id, now=timezone.now())

    def test_needs_all_bytes(self, user):
        row = begin(user)
        with pytest.raises(UploadIncompleteError):
            take_upload(upload_id=row.id, user_id=user.id, now=timezone.now())

    def test_needs_any_bytes(self, user):
        row = begin(user, 0)
        with pytest.raises(UploadEmptyError) as refused:
            take_upload(upload_id=row.id, user_id=user.id, now=timezone.now())
        assert refused.value.fields[0].code == "upload_empty"

    @pytest.mark.parametrize("case", ["unknown", "foreign", "expired"])
    def test_needs_an_upload_of_ones_own(self, user, case):
        row = finished(user)
        upload_id = uuid4() if case == "unknown" else row.id
        user_id = make_user().id if case == "foreign" else user.id
        now = timezone.now() + (LIFETIME if case == "expired" else timedelta())

        with pytest.raises(UploadUnknownError) as refused:
            take_upload(upload_id=upload_id, user_id=user_id, now=now)
        assert [(each.field, each.code) for each in refused.value.fields] == [
            ("upload_id", "upload_not_found")
        ]


class TestLimits:
    def test_of_one_upload(self, user, settings):
        settings.UPLOAD_MAX_BYTES = 100
        begin(user, 100)
        with pytest.raises(UploadTooLargeError):
            begin(user, 101)

    def test_of_all_of_a_user(self, user, settings):
        settings.UPLOAD_QUOTA_BYTES = 100
        row = begin(user, 60)
        with pytest.raises(UploadQuotaError):
            begin(user, 41)
        begin(make_user(), 60)
        terminate_upload(upload_id=row.id, user_id=user.id, now=timezone.now())
        begin(user, 100)

    def test_do_not_count_what_tracks_have_taken(self, user, settings):
        settings.UPLOAD_QUOTA_BYTES = 5
        row = finished(user)
        with pytest.raises(UploadQuotaError):
            begin(user, 1)
        take_upload(upload_id=row.id, user_id=user.id, now=timezone.now())
        begin(user, 5)


class TestWriters:
    def test_that_were_given_up_cannot_write_any_more(self, user):
        row = begin(user)
        held = hold(row)
        old = Writing(hold=held)
        old.write(b"OLD")
        Upload.objects.update(lease_until=timezone.now() - DAY)

        write(row, b"hello")

        with pytest.raises(UploadInterruptedError):
            old.end(is_whole=True)
        assert object_storage().read(row.key) == b"hello"
        assert len(published(UploadFinished)) == 1

    def test_keep_others_out_while_their_lease_lasts(self, user):
        row = begin(user)
        held = hold(row)

        assert writers.take_hold(upload_id=row.id, user_id=user.id, now=timezone.now()) is None
        assert writers.renew_leases([held.writer, uuid4()]) == {held.writer: True}

    def test_that_were_given_up_leave_an_offset_that_stays(self, user):
        row = begin(user)
        old = Writing(hold=hold(row))
        old.write(b"OLD")
        Upload.objects.update(lease_until=timezone.now() - DAY)

        seen, is_free = writers.look(upload_id=row.id, user_id=user.id, now=timezone.now())

        assert (seen.offset_bytes, is_free) == (0, True)
        with pytest.raises(UploadInterruptedError):
            old.end(is_whole=True)


@pytest.mark.django_db(transaction=True)
class TestSweeping:
    def test_lets_go_of_what_is_over(self, user):
        rows = [begin(user), finished(user)]
        later = timezone.now() + LIFETIME + timedelta(seconds=1)

        upload_sweep.sweep(now=later)

        for row in rows:
            with pytest.raises(UploadExpiredError):
                get_upload(row.id, user_id=user.id, now=later)
            assert not object_storage().exists(row.key)
        upload_sweep.sweep(now=later + upload_sweep.REMEMBERED)
        assert not Upload.objects.exists()

    def test_leaves_alone_what_is_live_or_a_track_s(self, user):
        old = finished(user)
        take_upload(upload_id=old.id, user_id=user.id, now=timezone.now())
        live = begin(user)
        write(live, b"he")
        Upload.objects.filter(pk=live.pk).update(expires_at=timezone.now() + 31 * DAY)

        upload_sweep.sweep(now=timezone.now() + 30 * DAY)

        assert object_storage().read(old.key) == b"hello"
        live.refresh_from_db()
        assert live.offset_bytes == 2

    def test_finishes_what_was_left_whole(self, user):
        row = begin(user)
        held = hold(row)
        writing = Writing(hold=held)
        writing.write(b"hello")
        writing.end(is_whole=True)
        writing.close()
        Upload.objects.update(lease_until=timezone.now() - DAY)

        upload_sweep.sweep(now=timezone.now())

        row.refresh_from_db()
        assert row.state == UploadState.FINISHED
        assert published(UploadFinished)[0]["size_bytes"] == 5

    def test_removes_bytes_that_no_row_knows(self, user):
        object_storage().put("uploads/nobodys", b"x")
        row = begin(user)
        write(row, b"he")
        Upload.objects.all().delete()

        upload_sweep.sweep(now=timezone.now())
        assert object_storage().exists("uploads/nobodys")
        upload_sweep.sweep(now=timezone.now() + 2 * DAY)

        assert not object_storage().exists("uploads/nobodys")
        assert list(upload_storage().list_unfinished("uploads/")) == []


@pytest.mark.django_db(transaction=True)
def test_who_leaves_takes_his_uploads_along(user):
    row, used = finished(user), finished(user)
    take_upload(upload_id=used.id, user_id=user.id, now=timezone.now())

    told = list(own_uploads._PART.read(user.id))
    own_uploads._PART.erase(user.id)

    assert {each["id"] for each in told} == {row.id, used.id}
    assert not object_storage().exists(row.key)
    assert object_storage().exists(used.key)
    with pytest.raises(UploadNotFoundError):
        get_upload(row.id, user_id=user.id, now=timezone.now())
