"""Copies of what the platform holds on people."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.auth.models import DataExport
from apps.auth.types import ExportStatus
from veza.integrations.object_storage import object_storage


@dataclass(frozen=True, kw_only=True)
class ExportState:
    """How far the copy is, and where it is to be had."""

    status: ExportStatus
    progress: int
    url: str | None
    expires_at: datetime | None


NOTHING = ExportState(status=ExportStatus.NONE, progress=0, url=None, expires_at=None)


def get_export(user_id: UUID, *, now: datetime) -> ExportState:
    """`url` is good for anyone who has it until `expires_at`."""
    row = DataExport.objects.filter(user_id=user_id).first()
    if row is None or (row.expires_at and row.expires_at <= now):
        return NOTHING
    url = None
    if row.status == ExportStatus.READY and row.expires_at:
        lifetime_s = int((row.expires_at - now).total_seconds())
        url = object_storage().signed_url(
            row.key, now=now, lifetime_s=max(1, lifetime_s), filename="veza-data.zip"
        )
    return ExportState(
        status=ExportStatus(row.status), progress=row.progress, url=url, expires_at=row.expires_at
    )
