"""Who may write to an upload: one request at a time, in whichever process.

The rows are locked for moments only. A writer holds a lease that its process renews; what it
stores counts only while it is still the writer, so one that was given up can do no harm.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.track.errors.uploads import UploadInterruptedError
from apps.track.models import Upload
from apps.track.selectors.uploads import get_upload, staged
from apps.track.services.uploads import LIFETIME
from apps.track.types.uploads import UploadState
from veza.integrations.upload_storage import Piece, Staged
from veza.kit.models import new_id

LEASE = timedelta(seconds=2)
WISH = timedelta(seconds=1.5)
NOBODY = UUID(int=0)
"""Stands for a writer that was given up: the next one begins a piece of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """The right to write. `is_clean`: whoever wrote before has surely ended."""

    row: Upload
    staged: Staged
    writer: UUID
    is_clean: bool


@transaction.atomic
def take_hold(*, upload_id: UUID, user_id: UUID, now: datetime) -> Hold | None:
    """The right to write to the user's upload; None while somebody else has it, who is told.

    Of an upload that is finished anyone may have it, and nothing follows. Raises
    UploadNotFoundError, UploadExpiredError.
    """
    row = get_upload(upload_id, user_id=user_id, now=now, locks=True)
    writer, is_clean = new_id(), row.writer is None
    if row.state == UploadState.RECEIVING:
        if _is_held(row):
            _own(row).update(wanted_at=Now())
            return None
        _own(row).update(writer=writer, lease_until=Now() + LEASE, wanted_at=None)
        row.writer = writer
    return Hold(row=row, staged=staged(row), writer=writer, is_clean=is_clean)


@transaction.atomic
def look(*, upload_id: UUID, user_id: UUID, now: datetime) -> tuple[Upload, bool]:
    """The user's upload, and whether its offset will stay as it is until somebody takes hold.

    A writer whose lease is over is given up; one that holds it is told that somebody waits.
    Raises UploadNotFoundError, UploadExpiredError.
    """
    row = get_upload(upload_id, user_id=user_id, now=now)
    if row.state != UploadState.RECEIVING or row.writer in (None, NOBODY):
        return row, True
    row = get_upload(upload_id, user_id=user_id, now=now, locks=True)
    if row.writer is None or row.state != UploadState.RECEIVING:
        return row, True
    if _is_held(row):
        _own(row).update(wanted_at=Now())
        return row, False
    _own(row).update(writer=NOBODY)
    return row, True


@transaction.atomic
def reserve_piece(*, upload_id: UUID, writer: UUID) -> int:
    """A number that no other piece of the upload has. Raises UploadInterruptedError."""
    row = Upload.objects.select_for_update(no_key=True).filter(pk=upload_id, writer=writer).first()
    if row is None:
        raise UploadInterruptedError
    Upload.objects.filter(pk=row.pk).update(next_piece=F("next_piece") + 1)
    return row.next_piece


def write_down(*, upload_id: UUID, writer: UUID, pieces: Collection[Piece], now: datetime) -> None:
    """These pieces are stored: from now on their bytes count. Raises UploadInterruptedError."""
    done = Upload.objects.filter(pk=upload_id, writer=writer, state=UploadState.RECEIVING).update(
        pieces=[[piece.number, piece.size_bytes, piece.etag] for piece in pieces],
        offset_bytes=sum(piece.size_bytes for piece in pieces),
        lease_until=Now() + LEASE,
        expires_at=now + LIFETIME,
        updated_at=now,
    )
    if not done:
        raise UploadInterruptedError


def let_go(*, upload_id: UUID, writer: UUID, is_clean: bool = True) -> None:
    """The writer has ended, and has closed what it wrote to.

    Without having written anything it leaves behind what it has found.
    """
    Upload.objects.filter(pk=upload_id, writer=writer).update(
        writer=None if is_clean else NOBODY, lease_until=None
    )


def renew_leases(writers: Collection[UUID]) -> dict[UUID, bool]:
    """Those of the writers that still are it, and whether somebody waits for their upload."""
    rows = Upload.objects.filter(writer__in=writers)
    rows.update(lease_until=Now() + LEASE)
    waited_for = set(rows.filter(wanted_at__gt=Now() - WISH).values_list("writer", flat=True))
    live = rows.values_list("writer", flat=True)
    return {writer: writer in waited_for for writer in live if writer is not None}


def _own(row: Upload) -> QuerySet[Upload]:
    return Upload.objects.filter(pk=row.pk)


def _is_held(row: Upload) -> bool:
    """Also by a writer that could no longer be reached a moment ago: its lease says so."""
    return row.writer is not None and _own(row).filter(lease_until__gt=Now()).exists()
