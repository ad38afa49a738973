"""Messages that are no facts: made here, gone with the moment."""

from typing import Any

import uuid_utils.compat
from django.utils import timezone

from apps.events.types import json_value
from apps.realtime.types import Message


def ephemeral(type: str, data: Any) -> Message:  # noqa: A002 - the term of the contract
    """A message with an id and a time in its envelope, and without a place in the log."""
    return Message(
        envelope={
            "id": str(uuid_utils.compat.uuid7()),
            "type": type,
            "version": 1,
            "time": json_value(timezone.now()),
            "subject": None,
            "actor": None,
            "data": data,
        }
    )
