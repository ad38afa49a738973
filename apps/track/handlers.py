"""What follows from facts."""

from functools import partial
from uuid import UUID

from django.db import transaction

from apps.events.registry import handles
from apps.track.events import TrackRetried, TrackUploaded
from apps.track.tasks import process_version


@handles(TrackUploaded)
def begin_processing(fact: TrackUploaded) -> None:
    """In a task of its own, which may take minutes; `track.resume` begins it again if need be."""
    _begin(fact.version_id)


@handles(TrackRetried)
def begin_again(fact: TrackRetried) -> None:
    """A second task beside one that waits for its next try finds nothing left to do, or ends it."""
    _begin(fact.version_id)


def _begin(version_id: UUID) -> None:
    begin = partial(process_version.delay, version_id=str(version_id))
    transaction.on_commit(begin, robust=True)
