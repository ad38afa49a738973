"""Uploads, each seen by its owner alone."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet, Sum

from apps.track.errors.uploads import UploadExpiredError, UploadNotFoundError
from apps.track.models import TrackVersion, Upload
from apps.track.types import TrackStatus
from apps.track.types.uploads import UploadState
from veza.integrations.upload_storage import Piece, Staged

OPEN = (UploadState.RECEIVING, UploadState.FINISHED)


def list_uploads(user_id: UUID) -> QuerySet[Upload]:
    """Those of the user, in whatever state."""
    return Upload.objects.filter(user_id=user_id)


def get_upload(upload_id: UUID, *, user_id: UUID, now: datetime, locks: bool = False) -> Upload:
    """The user's upload, for the rest of the transaction if it `locks`.

    Raises UploadNotFoundError, UploadExpiredError.
    """
    rows = list_uploads(user_id)
    row = (rows.select_for_update(no_key=True) if locks else rows).filter(pk=upload_id).first()
    if row is None:
        raise UploadNotFoundError
    if row.state == UploadState.EXPIRED or (row.state in OPEN and row.expires_at <= now):
        raise UploadExpiredError
    return row


def open_bytes(user_id: UUID) -> tuple[int, int]:
    """How many uploads of the user no track has taken yet, and to how much they will come,
    together with the files of his that are being made into tracks.
    """
    rows = list_uploads(user_id).filter(state__in=OPEN)
    making = TrackVersion.objects.filter(
        status=TrackStatus.PROCESSING, track__owner_id=user_id, track__deleted_at__isnull=True
    )
    total = sum(each.aggregate(total=Sum("size_bytes"))["total"] or 0 for each in (rows, making))
    return rows.count(), total


def staged(row: Upload) -> Staged:
    """The upload in the words of the storage."""
    return Staged(
        key=row.key,
        ref=row.ref,
        size_bytes=row.size_bytes,
        pieces=tuple(
            Piece(number=number, size_bytes=size_bytes, etag=etag)
            for number, size_bytes, etag in row.pieces
        ),
    )
