"""Messages that are no facts: made here, gone with the moment."""

from typing import Any

from django.utils import timezone
from uuid_utils import uuid7

from apps.realtime.types import Message


def ephemeral(type: str, data: Any) -> Message:  # noqa: A002 - the term of the contract
    """A message with an id and a time in its envelope, and without a place in the log."""
    return Message(
        envelope={
            "id": str(uuid7()),
            "type": type,
            "version": 1,
            "time": timezone.now().isoformat().removesuffix("+00:00") + "Z",
            "subject": None,
            "actor": None,
            "data": data,
        }
    )
