"""A program that begins uploads and is killed in the middle of each, at every step in turn.

One child process for each upload; for `manage.py shell`.
"""

import os
import signal
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone

from apps.track.services import tracks, uploads, writers, writing
from apps.track.types import Metadata, TrackTexts
from veza.integrations.object_storage import object_storage
from veza.integrations.upload_storage import upload_storage

CONTENT = b"0123456789" * 1000


def die(*_: object, **__: object) -> None:
    """As a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before(owner: Any, name: str) -> None:
    setattr(owner, name, die)


def dies_after(owner: Any, name: str) -> None:
    """The step is done, and nothing of what follows."""
    step = getattr(owner, name)

    def last(*args: Any, **options: Any) -> None:
        step(*args, **options)
        die()

    setattr(owner, name, last)


def main(user_id: UUID, count: int) -> None:
    """Returns when the last is dead."""
    connections.close_all()
    for number in range(count):
        child = os.fork()
        if not child:
            try:
                _begin(user_id, number)
            finally:  # it should not have come so far
                os._exit(1)
        _, ended = os.waitpid(child, 0)
        assert os.WIFSIGNALED(ended), number


def _begin(user_id: UUID, number: int) -> None:
    storage = upload_storage()
    steps: list[Callable[[], None]] = [
        lambda: dies_before(uploads, "_insert"),  # begun, and no row
        lambda: dies_before(writers, "write_down"),  # stored, and not written down
        lambda: dies_before(storage, "finish"),  # written down, and no object
        lambda: dies_before(uploads, "_mark_finished"),  # an object, and not finished
        lambda: dies_before(tracks, "create_track"),  # a file that came whole, and no track
        lambda: dies_after(writing.Writing, "write"),  # in the middle of a request
        lambda: dies_after(object_storage(), "put"),
    ]
    steps[number % len(steps)]()
    if number % len(steps) in (4, 6):
        _whole(user_id)
    else:
        _in_pieces(user_id)


def _whole(user_id: UUID) -> None:
    tracks.upload_track(
        user_id=user_id, texts=TrackTexts(), file=BytesIO(CONTENT), filename="a.wav",
        size_bytes=len(CONTENT),
    )  # fmt: skip


def _in_pieces(user_id: UUID) -> None:

    row = uploads.create_upload(
        user_id=user_id, size_bytes=len(CONTENT), metadata=Metadata(), now=timezone.now()
    )
    hold = writers.take_hold(upload_id=row.id, user_id=user_id, now=timezone.now())
    assert hold is not None
    pen = writing.Writing(hold=hold)
    pen.write(CONTENT)
    pen.end(is_whole=True)
    pen.finish()
