"""Facts of the sample domain. Their payloads are the bodies that the API answers with."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from apps.events.types import Fact


@dataclass(frozen=True, kw_only=True)
class MetricCreated(Fact):
    """Published with the metric."""

    name: ClassVar = "metric_created"
    about: ClassVar = "Someone has begun to measure something."
    rooms: ClassVar = ("metrics",)
    example: ClassVar = {"title": "temperature", "input_frequency": 500_000_000}

    id: UUID
    title: str = field(metadata={"key": "name"})
    input_frequency: int


@dataclass(frozen=True, kw_only=True)
class MetricReadingCreated(Fact):
    """Published with the reading."""

    name: ClassVar = "metric_reading_created"
    about: ClassVar = "A value of a metric has arrived."
    rooms: ClassVar = ("metrics",)
    example: ClassVar = {"value": 21.5}

    id: UUID
    metric_id: UUID
    value: float
    timestamp: datetime
