"""What workers do for counting."""

from celery import shared_task
from django.utils import timezone

from apps.analytics.services import retention, rollups


@shared_task(name="analytics.refresh")
def refresh_rollups(**_: object) -> None:
    """Every minute: sums that have become stale, so that who reads them waits for few."""
    rollups.refresh(now=timezone.now())


@shared_task(name="analytics.trim")
def trim_events(**_: object) -> None:
    """Every hour: forget events that are older than LISTENING_RETENTION_S."""
    retention.trim_events(now=timezone.now())
