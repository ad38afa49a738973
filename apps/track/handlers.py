"""What follows from facts."""

from functools import partial

from django.db import transaction

from apps.events.registry import handles
from apps.track.events import TrackUploaded
from apps.track.tasks import process_version


@handles(TrackUploaded)
def begin_processing(fact: TrackUploaded) -> None:
    """In a task of its own, which may take minutes; `track.resume` begins it again if need be."""
    begin = partial(process_version.delay, version_id=str(fact.version_id))
    transaction.on_commit(begin, robust=True)
