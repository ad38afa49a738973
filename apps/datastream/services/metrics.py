"""Writing metrics and readings."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.datastream.errors import MetricNotFoundError
from apps.datastream.events import MetricCreated, MetricReadingCreated
from apps.datastream.models import Metric, Reading
from apps.datastream.rules.numbers import exact_number
from apps.events.services import publish
from apps.events.types import Actor, Subject
from veza.kit.models import first_id_of

ROOM = "metrics"
TRIMMED_AT_ONCE = 5_000
# The id is a UUIDv7: the rows of a time are next to each other in the index of the key.
_TRIM = """
DELETE FROM datastream_reading WHERE id = ANY(ARRAY(
  SELECT id FROM datastream_reading WHERE id < %s ORDER BY id LIMIT %s))
"""


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


def trim_readings(*, now: datetime) -> int:
    """Remove readings that came more than READING_RETENTION_S ago, in short transactions.

    Returns how many there were. A repeat, or two at once, does no harm.
    """
    cutoff = now - timedelta(seconds=settings.READING_RETENTION_S)
    trimmed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_TRIM, [first_id_of(cutoff), TRIMMED_AT_ONCE])
            gone: int = cursor.rowcount
        trimmed += gone
        if gone < TRIMMED_AT_ONCE:
            return trimmed
