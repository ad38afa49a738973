"""Reading metrics."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.datastream.errors import MetricNotFoundError
from apps.datastream.models import Metric
from apps.datastream.rules.numbers import exact_number
from apps.datastream.types import ReadingOfMetric

MAX_METRICS = 1_000
MAX_READINGS = 1_000

# LATERAL takes the newest of each metric from the index; a window function would read them all.
_READINGS = """
SELECT m.id, r.id, r.value, r.timestamp
  FROM unnest(%s::uuid[]) AS m(id)
 CROSS JOIN LATERAL (
       SELECT id, value, timestamp FROM datastream_reading
        WHERE metric_id = m.id ORDER BY timestamp DESC, id DESC LIMIT %s
       ) AS r
"""


def get_metric(metric_id: UUID) -> Metric:
    """Raises MetricNotFoundError."""
    try:
        return Metric.objects.get(pk=metric_id)
    except Metric.DoesNotExist:
        raise MetricNotFoundError from None


def list_metrics() -> QuerySet[Metric]:
    """The newest MAX_METRICS, newest first."""
    return Metric.objects.order_by("-id")[:MAX_METRICS]


def newest_readings(metric_ids: Iterable[UUID]) -> dict[UUID, list[ReadingOfMetric]]:
    """Up to MAX_READINGS of each, the latest timestamp first, in one statement for all."""
    readings: dict[UUID, list[ReadingOfMetric]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_READINGS, [list(metric_ids), MAX_READINGS])
        for metric_id, reading_id, value, timestamp in cursor:
            readings[metric_id].append(
                {"id": reading_id, "value": exact_number(value), "timestamp": timestamp}
            )
    return readings
