"""What workers do for accounts."""

from celery import shared_task
from django.utils import timezone

from apps.auth.services import audit


@shared_task(name="accounts.check_audit")
def check_audit(**_: object) -> None:
    """Every night: is the audit log whole?"""
    audit.check_chain(now=timezone.now())
