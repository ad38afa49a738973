"""What workers do for accounts."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from apps.auth.services import audit, erasure, exports, pictures


@shared_task(name="accounts.check_audit")
def check_audit(**_: object) -> None:
    """Every night: is the audit log whole?"""
    audit.check_chain(now=timezone.now())


@shared_task(name="accounts.sweep_pictures")
def sweep_pictures(**_: object) -> None:
    """Every night: remove files of pictures that are nobody's."""
    pictures.sweep_files(now=timezone.now())


@shared_task(name="accounts.build_export")
def build_export(*, user_id: str, **_: object) -> None:
    """Make the copy that somebody has asked for."""
    exports.build_export(user_id=UUID(user_id), now=timezone.now())


@shared_task(name="accounts.resume_exports")
def resume_exports(**_: object) -> None:
    """Every few minutes: copies whose worker was killed are begun again, old ones removed."""
    now = timezone.now()
    exports.remove_expired(now=now)
    for user_id in exports.find_stuck(now=now):
        build_export.delay(user_id=str(user_id))


@shared_task(name="accounts.erase_due")
def erase_due(**_: object) -> None:
    """Every hour: erase who has asked for it two weeks ago."""
    while erasure.erase_due(now=timezone.now()) == erasure.AT_ONCE:
        pass
