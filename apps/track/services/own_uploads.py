"""What uploads hold on a person: how it is told to him, and how it goes."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.auth.selectors.personal_data import Part, Rows, register
from apps.track.errors.uploads import UploadExpiredError, UploadNotFoundError
from apps.track.models import Upload
from apps.track.selectors.uploads import OPEN, list_uploads
from apps.track.services.uploads import terminate_upload


def register_uploads() -> None:
    """At start, once."""
    register(_PART)


def _read(user_id: UUID) -> Rows:
    rows = list_uploads(user_id).order_by("pk")
    return rows.values(
        "id", "created_at", "state", "filename", "content_type", "size_bytes", "sha256"
    ).iterator()


def _erase(user_id: UUID) -> None:
    """Files that tracks were made of belong to those."""
    open_ids = list_uploads(user_id).filter(state__in=OPEN).values_list("pk", flat=True)
    for upload_id in list(open_ids):
        try:
            terminate_upload(upload_id=upload_id, user_id=user_id, now=timezone.now())
        except (UploadNotFoundError, UploadExpiredError):
            continue  # the sweep removes its bytes
    with transaction.atomic():
        Upload.objects.filter(user_id=user_id).update(filename="", metadata="")


_PART = Part(name="uploads", models=("track.Upload",), read=_read, erase=_erase)
