"""What workers do for uploads."""

from celery import shared_task
from django.utils import timezone

from apps.track.services import upload_sweep


@shared_task(name="track.sweep_uploads")
def sweep_uploads(**_: object) -> None:
    """Every ten minutes: finish what was left whole, let go of what is over or nobody's."""
    upload_sweep.sweep(now=timezone.now())
