"""Writing metrics and readings."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.datastream.errors import MetricNotFoundError
from apps.datastream.events import MetricCreated, MetricReadingCreated
from apps.datastream.models import Metric, Reading
from apps.datastream.rules.numbers import exact_number
from apps.events.services import publish
from apps.events.types import Actor, Subject

ROOM = "metrics"


@transaction.atomic
def create_metric(*, name: str, input_frequency_ns: int, actor: Actor) -> Metric:
    """Begin a metric. Names need not be unique."""
    metric = Metric.objects.create(name=name, input_frequency_ns=input_frequency_ns)
    publish(
        MetricCreated(id=metric.id, title=name, input_frequency=input_frequency_ns),
        subject=Subject(type="metric", id=metric.id),
        rooms=[ROOM],
        actor=actor,
    )
    return metric


@transaction.atomic
def record_reading(*, metric_id: UUID, value: float, timestamp: datetime, actor: Actor) -> Reading:
    """Add a finite value to a metric. Raises MetricNotFoundError.

    Readings are subjects of their own: those of one metric are ordered by `timestamp`, and need
    not wait for each other.
    """
    if not Metric.objects.filter(pk=metric_id).exists():
        raise MetricNotFoundError
    reading = Reading.objects.create(metric_id=metric_id, value=value, timestamp=timestamp)
    publish(
        MetricReadingCreated(
            id=reading.id, metric_id=metric_id, value=exact_number(value), timestamp=timestamp
        ),
        subject=Subject(type="metric_reading", id=reading.id),
        rooms=[ROOM],
        actor=actor,
    )
    return reading
