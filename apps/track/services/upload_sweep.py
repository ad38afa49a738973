"""What is left behind: uploads whose time is over, and bytes that no row knows."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from apps.track.errors.uploads import UploadNotFoundError
from apps.track.models import Upload
from apps.track.services.uploads import KEYS, expire_upload, finish_upload, remove_bytes
from apps.track.services.writers import let_go, take_hold
from apps.track.types.uploads import UploadState
from veza.integrations.object_storage import object_storage
from veza.integrations.upload_storage import upload_storage
from veza.kit.errors import VezaError

AT_ONCE = 500
REMEMBERED = timedelta(days=7)
"""So long an expired upload answers 410; then it was never there."""
ORPHANED = timedelta(days=1)
"""Younger bytes may belong to a row that is not committed yet."""
logger = logging.getLogger(__name__)


def sweep(*, now: datetime) -> None:
    """All of the below, at most AT_ONCE of each."""
    finish_left_whole(now=now)
    expire_due(now=now)
    forget_expired(now=now)
    remove_orphans(now=now)


def finish_left_whole(*, now: datetime) -> int:
    """Finish uploads whose writer was killed between the last byte and the end."""
    rows = Upload.objects.filter(
        state=UploadState.RECEIVING, offset_bytes=F("size_bytes"), expires_at__gt=now
    )
    done = 0
    for upload_id, user_id in rows.order_by("pk").values_list("pk", "user_id")[:AT_ONCE]:
        try:
            done += finish_left(upload_id=upload_id, user_id=user_id, now=now)
        except VezaError:
            logger.warning("upload_not_finished upload_id=%s", upload_id, exc_info=True)
    return done


def finish_left(*, upload_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Finish one, unless somebody is at it. Raises what `finish_upload` raises."""
    hold = take_hold(upload_id=upload_id, user_id=user_id, now=now)
    if hold is None:
        return False
    try:
        if hold.row.state == UploadState.RECEIVING:
            finish_upload(hold.row, sha256="", now=now)
    except UploadNotFoundError:  # terminated meanwhile
        return False
    finally:
        let_go(upload_id=upload_id, writer=hold.writer)
    return True


def expire_due(*, now: datetime) -> int:
    """Let go of uploads that were not finished, or not used, in time."""
    states = (UploadState.RECEIVING, UploadState.FINISHED)
    rows = Upload.objects.filter(state__in=states, expires_at__lte=now)
    return sum(expire_upload(row, now=now) for row in rows.order_by("expires_at")[:AT_ONCE])


def forget_expired(*, now: datetime) -> int:
    """Remove the rows of uploads that expired long ago."""
    rows = Upload.objects.filter(state=UploadState.EXPIRED, expires_at__lte=now - REMEMBERED)
    return Upload.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:AT_ONCE])).delete()[
        0
    ]


def remove_orphans(*, now: datetime) -> int:
    """Remove bytes that are a day old and belong to no row, after a crash in between."""
    before = now - ORPHANED
    found = {
        (each.key, each.ref)
        for each in upload_storage().list_unfinished(KEYS)
        if each.modified_at < before
    }
    found |= {
        (each.key, "") for each in object_storage().list_objects(KEYS) if each.modified_at < before
    }
    keys = {key for key, _ in found}
    rows = Upload.objects.filter(key__in=keys).exclude(state=UploadState.EXPIRED)
    known = set(rows.values_list("key", flat=True))
    orphans = [each for each in sorted(found) if each[0] not in known]
    for key, ref in orphans[:AT_ONCE]:
        remove_bytes(key, ref)
    return len(orphans[:AT_ONCE])
