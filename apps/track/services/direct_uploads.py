"""Uploads that go past us: the sender brings the parts to the storage, and we put them together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.track.errors.uploads import (
    DirectUploadUnavailableError,
    UploadIncompleteError,
    UploadLockedError,
    UploadNotDirectError,
    UploadNotFoundError,
    UploadPartsError,
    UploadUsedError,
)
from apps.track.models import Upload
from apps.track.rules import parts as rules
from apps.track.selectors.uploads import get_upload, staged
from apps.track.services.uploads import LIFETIME, create_upload, finish_upload
from apps.track.services.writers import Hold, let_go, take_hold, write_down
from apps.track.types.uploads import Metadata, UploadState
from veza.integrations.upload_storage import DirectUploadStorage, direct_upload_storage


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectUpload:
    """An upload, and where each of its parts goes: addresses by number, from 1."""

    row: Upload
    urls: Mapping[int, str]


def begin_direct_upload(
    *, user_id: UUID, filename: str, size_bytes: int, part_size_bytes: int | None, now: datetime
) -> DirectUpload:
    """Make room for a file, and sign an address for each part, good as long as the upload is.

    Raises DirectUploadUnavailableError, UploadTooLargeError, UploadQuotaError,
    StorageUnavailableError.
    """
    storage = _storage()
    row = create_upload(
        user_id=user_id, size_bytes=size_bytes, metadata=Metadata(filename=filename), now=now,
        part_size_bytes=rules.part_size(size_bytes, wanted=part_size_bytes),
    )  # fmt: skip
    whole = staged(row)
    urls = {
        number: storage.piece_url(
            whole, number=number, size_bytes=size, lifetime_s=int(LIFETIME.total_seconds())
        )
        for number, size in enumerate(_sizes(row), start=1)
    }
    return DirectUpload(row=row, urls=urls)


def complete_direct_upload(
    *, upload_id: UUID, user_id: UUID, told: Mapping[int, str], now: datetime
) -> Upload:
    """Put the parts together; `told` are their ETags by number. A repeat is harmless.

    Raises UploadNotFoundError, UploadExpiredError, UploadNotDirectError, UploadUsedError,
    UploadIncompleteError, UploadPartsError, UploadLockedError, StorageUnavailableError.
    """
    row = get_upload(upload_id, user_id=user_id, now=now)
    if row.part_size_bytes is None:
        raise UploadNotDirectError
    if row.state == UploadState.USED:
        raise UploadUsedError
    hold = take_hold(upload_id=upload_id, user_id=user_id, now=now)
    if hold is None:
        raise UploadLockedError(retry_after_s=1)
    try:
        if hold.row.state == UploadState.RECEIVING:
            return _complete(hold, told=told, now=now)
    except UploadNotFoundError:  # another call has finished it meanwhile, or it was deleted
        return get_upload(upload_id, user_id=user_id, now=now)
    finally:
        let_go(upload_id=upload_id, writer=hold.writer)
    return hold.row


def _complete(hold: Hold, *, told: Mapping[int, str], now: datetime) -> Upload:
    row = hold.row
    if row.offset_bytes < row.size_bytes:  # else a call before this one came no further
        arrived = _storage().arrived(hold.staged)
        if rules.missing_parts(_sizes(row), arrived):
            raise UploadIncompleteError
        if strange := rules.strange_parts(told, arrived):
            raise UploadPartsError(f"The storage knows part {strange[0]} otherwise.")
        write_down(upload_id=row.id, writer=hold.writer, pieces=arrived, now=now)
        row.refresh_from_db()
    row.writer = hold.writer
    return finish_upload(row, sha256="", now=now)


def _sizes(row: Upload) -> list[int]:
    part_size_bytes = row.part_size_bytes or row.size_bytes
    return rules.sizes_of_parts(row.size_bytes, part_size_bytes=part_size_bytes)


def _storage() -> DirectUploadStorage:
    storage = direct_upload_storage()
    if storage is None:
        raise DirectUploadUnavailableError
    return storage
