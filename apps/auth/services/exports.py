"""Making a copy of all that the platform holds on a person."""

import json
import zipfile
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from apps.auth.events import ExportRequested
from apps.auth.models import DataExport, User
from apps.auth.selectors import personal_data
from apps.auth.services import audit
from apps.auth.types import AuditAction, ExportStatus
from apps.events.services import publish
from apps.events.types import Actor, Subject
from apps.realtime.services import broadcast
from veza.integrations.object_storage import object_storage

KEPT = timedelta(days=6, hours=23)
STUCK = timedelta(minutes=10)
README = """This is what Veza holds on you, one JSON file for each kind of data.

Times are in UTC. Passwords, codes and tokens are not in here: they are kept in a form from which
nobody, not even we, can read them.
"""


@transaction.atomic
def request_export(*, user_id: UUID, now: datetime) -> None:
    """Have a copy made, and the one before removed. Nothing happens while one is being made."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    row = DataExport.objects.filter(user_id=user_id).first()
    if row and row.status == ExportStatus.RUNNING:
        return
    if row:
        _remove(row)
    DataExport.objects.create(user=user, status=ExportStatus.RUNNING)
    actor = Actor(type="user", id=user_id)
    audit.record(AuditAction.EXPORT_REQUESTED, user_id=user_id, actor=actor, now=now)
    publish(
        ExportRequested(user_id=user_id),
        subject=Subject(type="user", id=user_id),
        actor=actor,
    )


def build_export(*, user_id: UUID, now: datetime) -> None:
    """Write the zip, and say so. A repeat writes it again; who has gone meanwhile gets none."""
    row = DataExport.objects.filter(user_id=user_id, status=ExportStatus.RUNNING).first()
    if row is None:
        return
    key = f"exports/{row.id}.zip"
    with TemporaryFile() as file:
        _write(file, row=row)
        file.seek(0)
        object_storage().put(key, file)
    done = DataExport.objects.filter(pk=row.pk, status=ExportStatus.RUNNING).update(
        status=ExportStatus.READY, progress=100, key=key, expires_at=now + KEPT, updated_at=now
    )
    if not done:
        object_storage().delete(key)
    _tell(user_id, progress=100)


def find_stuck(*, now: datetime) -> list[UUID]:
    """Whose copy has made no progress for STUCK: its worker was killed, or never began."""
    stuck = DataExport.objects.filter(status=ExportStatus.RUNNING, updated_at__lt=now - STUCK)
    return list(stuck.values_list("user_id", flat=True))


def remove_expired(*, now: datetime) -> int:
    """Remove copies whose time is over; how many there were."""
    rows = list(DataExport.objects.filter(expires_at__lte=now))
    for row in rows:
        _remove(row)
    return len(rows)


def remove_export(user_id: UUID) -> None:
    """Remove the user's copy, if there is one."""
    for row in DataExport.objects.filter(user_id=user_id):
        _remove(row)


def _remove(row: DataExport) -> None:
    if row.key:
        transaction.on_commit(lambda: object_storage().delete(row.key))
    row.delete()


def _write(file: IO[bytes], *, row: DataExport) -> None:
    parts = personal_data.parts()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for number, part in enumerate(parts, 1):
            rows = list(part.read(row.user_id))
            archive.writestr(
                f"{part.name}.json",
                json.dumps(rows, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False),
            )
            progress = min(99, 100 * number // len(parts))
            DataExport.objects.filter(pk=row.pk).update(progress=progress)
            _tell(row.user_id, progress=progress)


def _tell(user_id: UUID, *, progress: int) -> None:
    broadcast(f"user:{user_id}", "user.export_progress", {"progress": progress})
