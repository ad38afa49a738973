"""Making tracks."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from apps.track.services import history, jobs, processing, purge
from apps.track.services.artwork_files import sweep_artwork
from apps.track.services.words import tidy_words

FIRST_WAIT_S, LONGEST_WAIT_S = 5, 300


@shared_task(name="track.process", bind=True, max_retries=None)
def process_version(self: Any, /, *, version_id: str, **_: object) -> None:
    """Make a version; again, later and later, while something that it needs is away."""
    if not processing.process(version_id=UUID(version_id), now=timezone.now()):
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self.request.retries, 10))
        due_at = timezone.now() + timedelta(seconds=wait_s)
        history.note_next_try(UUID(version_id), at=due_at)
        raise self.retry(countdown=wait_s)


@shared_task(name="track.resume")
def resume_versions(**_: object) -> None:
    """Every few minutes: versions whose worker was killed are begun again, and jobs of which the
    stream server says nothing are asked for again, then given up.
    """
    now = timezone.now()
    jobs.end_silent(now=now)
    for version_id in processing.find_stuck(now=now) + jobs.find_silent(now=now):
        process_version.delay(version_id=str(version_id))


@shared_task(name="track.purge")
def purge_tracks(**_: object) -> None:
    """Every night: what was deleted 30 days ago, files of nobody, and words of no track."""
    now = timezone.now()
    while purge.purge_deleted(now=now) == purge.AT_ONCE:
        pass
    purge.remove_orphans(now=now)
    sweep_artwork(now=now)
    tidy_words()
