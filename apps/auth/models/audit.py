"""What happened that bears on security."""

from django.db import models

from apps.auth.types import AuditAction
from veza.kit.models import new_id


class AuditEntry(models.Model):
    """One security event, written in the transaction that made it true; never changed.

    The ids are no foreign keys: an entry outlives whom it is about.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=50, choices=AuditAction.choices)
    actor_type = models.CharField(max_length=20, blank=True, help_text="Empty: nobody signed in")
    actor_id = models.CharField(max_length=64, blank=True)
    user_id = models.UUIDField(null=True, blank=True, help_text="Whose account it is about")
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["user_id", "-at"], name="audit_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.user_id or ''}".rstrip()
