"""The life of an upload: begun, finished, used by a track, or given up.

The storage is asked outside of transactions. What a crash leaves behind there in between is swept
away a day later.
"""

import hashlib
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.events.services import publish
from apps.events.types import Actor, Subject
from apps.track.errors.uploads import (
    UploadEmptyError,
    UploadExpiredError,
    UploadIncompleteError,
    UploadNotFoundError,
    UploadQuotaError,
    UploadTooLargeError,
    UploadUnknownError,
    UploadUsedError,
)
from apps.track.events import UploadFinished
from apps.track.models import Upload
from apps.track.selectors.uploads import get_upload, open_bytes, staged
from apps.track.types.uploads import Metadata, UploadState
from veza.integrations.object_storage import object_storage
from veza.integrations.upload_storage import upload_storage
from veza.kit.idempotency import Answer, answer_once, check_key, fingerprint
from veza.kit.models import new_id

LIFETIME = timedelta(hours=24)
MAX_OPEN = 1000
KEYS = "uploads/"
CREATED = 201
BLOCK_BYTES = 1024 * 1024
_LOCK_SPACE = 7391002


def create_upload(
    *, user_id: UUID, size_bytes: int, metadata: Metadata, now: datetime,
    part_size_bytes: int | None = None,
) -> Upload:  # fmt: skip
    """Make room for a file of so many bytes; it is finished at once if that is none. With
    `part_size_bytes` the sender brings it to the storage himself.

    Raises UploadTooLargeError, UploadQuotaError, StorageUnavailableError.
    """
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise UploadTooLargeError
    row = Upload(
        id=new_id(), user_id=user_id, size_bytes=size_bytes, metadata=metadata.raw,
        filename=metadata.filename, content_type=metadata.content_type, expires_at=now + LIFETIME,
        part_size_bytes=part_size_bytes,
    )  # fmt: skip
    row.key = f"{KEYS}{row.id}"
    check_quota(user_id, size_bytes)
    row.ref = upload_storage().begin(row.key)
    try:
        _insert(row)
    except BaseException:
        upload_storage().discard(row.key, row.ref)
        raise
    return row if size_bytes else finish_upload(row, sha256="", now=now)


def finish_upload(row: Upload, *, sha256: str, now: datetime) -> Upload:
    """Make the bytes an object, and say so. A repeat is harmless; `row.writer` must still be it.

    Without `sha256` the object is read for it: what it holds then is what was stored.
    """
    upload_storage().finish(staged(row))
    return _mark_finished(row, sha256=sha256 or _digest(row.key), now=now)


@transaction.atomic
def take_upload(*, upload_id: UUID, user_id: UUID, now: datetime) -> Upload:
    """Give the finished upload to a track, in the caller's transaction: its object is the track's
    from then on.

    Raises UploadUnknownError, UploadIncompleteError, UploadUsedError, UploadEmptyError.
    """
    try:
        row = get_upload(upload_id, user_id=user_id, now=now, locks=True)
    except (UploadNotFoundError, UploadExpiredError):
        raise UploadUnknownError from None
    if row.state == UploadState.USED:
        raise UploadUsedError
    if row.state != UploadState.FINISHED:
        raise UploadIncompleteError
    if not row.size_bytes:
        raise UploadEmptyError
    row.state = UploadState.USED
    row.save(update_fields=["state", "updated_at"])
    return row


@transaction.atomic
def terminate_upload(*, upload_id: UUID, user_id: UUID, now: datetime) -> None:
    """Forget the upload and its bytes; whoever is writing to it is told with the next piece.

    Raises UploadNotFoundError, UploadExpiredError, UploadUsedError.
    """
    row = get_upload(upload_id, user_id=user_id, now=now, locks=True)
    if row.state == UploadState.USED:
        raise UploadUsedError
    _remove_bytes_on_commit(row)
    row.delete()


@transaction.atomic
def expire_upload(row: Upload, *, now: datetime) -> bool:
    """Let go of the bytes of an upload whose time is over; the row says so for a while."""
    found = Upload.objects.select_for_update(no_key=True).filter(
        pk=row.pk, state__in=[UploadState.RECEIVING, UploadState.FINISHED], expires_at__lte=now
    )
    row = found.first()  # type: ignore[assignment]
    if row is None:
        return False
    row.state, row.writer, row.pieces = UploadState.EXPIRED, None, []
    row.save(update_fields=["state", "writer", "pieces", "updated_at"])
    _remove_bytes_on_commit(row)
    return True


def create_upload_once(
    *, key: str | None, user_id: UUID, size_bytes: int, metadata: Metadata, now: datetime
) -> tuple[Upload, bool]:
    """The same, once for each Idempotency-Key of the user if there is one; and whether it was made
    before.

    Raises IdempotencyKeyInvalidError, IdempotencyKeyInUseError, IdempotencyKeyReusedError, and
    UploadExpiredError where what was made is gone.
    """

    def make() -> Upload:
        return create_upload(user_id=user_id, size_bytes=size_bytes, metadata=metadata, now=now)

    if key is None:
        return make(), False
    check_key(key)

    answer, is_replay = answer_once(
        scope=f"user:{user_id}",
        key=key,
        request_hash=fingerprint("POST", KEYS, str(size_bytes), metadata.raw),
        now=now,
        run=lambda: Answer(status=CREATED, headers={}, body=str(make().id)),
        is_kept=lambda _: True,
    )
    try:
        return get_upload(UUID(answer.body), user_id=user_id, now=now), is_replay
    except UploadNotFoundError:
        raise UploadExpiredError from None


def check_quota(user_id: UUID, size_bytes: int) -> None:
    """Raises UploadQuotaError where so much more is more than the user may have at a time."""
    count, total = open_bytes(user_id)
    if count >= MAX_OPEN or total + size_bytes > settings.UPLOAD_QUOTA_BYTES:
        raise UploadQuotaError


def take_space(user_id: UUID, size_bytes: int) -> None:
    """The same for the rest of the caller's transaction, one at a time for each user, so that two
    cannot share the last of his space. Raises UploadQuotaError.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_SPACE, str(user_id)]
        )
    check_quota(user_id, size_bytes)


@transaction.atomic
def _insert(row: Upload) -> None:
    take_space(row.user_id, row.size_bytes)
    row.save(force_insert=True)


@transaction.atomic
def _mark_finished(row: Upload, *, sha256: str, now: datetime) -> Upload:
    done = Upload.objects.filter(
        pk=row.pk, writer=row.writer, state=UploadState.RECEIVING, offset_bytes=row.size_bytes
    ).update(
        state=UploadState.FINISHED, sha256=sha256, finished_at=now, updated_at=now, pieces=[],
        writer=None, expires_at=now + LIFETIME,
    )  # fmt: skip
    if not done:  # terminated, or finished by who has taken it over
        raise UploadNotFoundError
    row.refresh_from_db()
    publish(
        UploadFinished(
            upload_id=row.id, user_id=row.user_id, size_bytes=row.size_bytes, sha256=sha256,
            filename=row.filename, content_type=row.content_type,
        ),
        subject=Subject(type="upload", id=row.id),
        actor=Actor(type="user", id=row.user_id),
    )  # fmt: skip
    return row


def _digest(key: str) -> str:
    digest = hashlib.sha256()
    with object_storage().open(key) as source:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _remove_bytes_on_commit(row: Upload) -> None:
    transaction.on_commit(partial(remove_bytes, row.key, row.ref), robust=True)


def remove_bytes(key: str, ref: str) -> None:
    """Of an upload that is no more, finished or not."""
    upload_storage().discard(key, ref)
    object_storage().delete(key)
