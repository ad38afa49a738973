"""Captured changes on their way. The adapter is CHANGE_STREAM_BACKEND's."""

from django.conf import settings
from django.utils.module_loading import import_string

from veza.integrations.change_stream.port import (
    FIRST,
    ChangeStream,
    ChangeStreamRewoundError,
    ChangeStreamUnavailableError,
    Entry,
    EntryId,
    Read,
)

__all__ = [
    "FIRST", "ChangeStream", "ChangeStreamRewoundError", "ChangeStreamUnavailableError", "Entry",
    "EntryId", "Read", "change_stream",
]  # fmt: skip


def change_stream() -> ChangeStream:
    """A new instance, for the thread that asks."""
    adapter: ChangeStream = import_string(settings.CHANGE_STREAM_BACKEND)()
    return adapter
