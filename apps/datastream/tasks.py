"""What workers do for data streams."""

from celery import shared_task
from django.utils import timezone

from apps.datastream.services import metrics


@shared_task(name="datastream.trim_readings")
def trim_readings(**_: object) -> None:
    """Every hour: forget readings that are older than READING_RETENTION_S."""
    metrics.trim_readings(now=timezone.now())
