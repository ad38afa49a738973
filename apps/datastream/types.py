"""Shapes of data streams that leave this app."""

from datetime import datetime
from typing import TypedDict
from uuid import UUID


class ReadingOfMetric(TypedDict):
    """A reading beside its metric. A dictionary, because a list may hold a million of them."""

    id: UUID
    value: float | int
    timestamp: datetime
