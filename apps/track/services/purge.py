"""What nobody can reach any more goes: tracks deleted long ago, and files without a row."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from apps.track.models import Track, TrackVersion
from apps.track.services.tracks import RESTORABLE
from veza.integrations.object_storage import object_storage

ORPHANED = timedelta(days=1)
AT_ONCE = 200
FOLDER = "tracks/"


def purge_deleted(*, now: datetime) -> int:
    """Remove tracks that can no longer be restored, with their files; how many there were."""
    due = Track.objects.filter(deleted_at__lt=now - RESTORABLE).order_by("deleted_at")
    ids = list(due.values_list("id", flat=True)[:AT_ONCE])
    for track_id in ids:
        remove_tracks([track_id])
    return len(ids)


@transaction.atomic
def remove_tracks(track_ids: Collection[UUID]) -> None:
    """Remove these tracks for good; their files go when that is committed."""
    versions = TrackVersion.objects.filter(track_id__in=list(track_ids))
    rows = list(versions.values_list("id", "source_key"))
    Track.objects.filter(pk__in=list(track_ids)).delete()
    transaction.on_commit(partial(_remove_files, rows), robust=True)


def remove_orphans(*, now: datetime) -> int:
    """Remove files a day old that belong to no version, after a crash between file and row."""
    old = (
        stat.key
        for stat in object_storage().list_objects(FOLDER)
        if stat.modified_at < now - ORPHANED
    )
    orphans = list(_without_row(old))
    for key in orphans:
        object_storage().delete(key)
    return len(orphans)


def _without_row(keys: Iterable[str]) -> Iterable[str]:
    """Each folder is that of a version, or holds the file that one was made of."""
    known: dict[str, bool] = {}
    for key in keys:
        name = key.split("/")[1]
        if name not in known:
            known[name] = _is_known(name)
        if not known[name]:
            yield key


def _is_known(name: str) -> bool:
    try:
        version_id = UUID(name)
    except ValueError:
        return False
    of_version = TrackVersion.objects.filter(pk=version_id)
    of_source = TrackVersion.objects.filter(source_key=f"{FOLDER}{name}/source")
    return of_version.exists() or of_source.exists()


def _remove_files(rows: Iterable[tuple[UUID, str]]) -> None:
    storage = object_storage()
    for version_id, source_key in rows:
        for stat in list(storage.list_objects(f"{FOLDER}{version_id}/")):
            storage.delete(stat.key)
        storage.delete(source_key)
