"""What happened that bears on security, and the chain that shows that nobody changed it since.

Entries and seals are only ever inserted; triggers refuse everything else. When a transaction
commits, a trigger seals its entries: it gives each the next position and a hash that covers the
entry and the hash before. So a missing, changed or smuggled entry shows
(`manage.py audit_verify`), and the newest hash, kept elsewhere, shows also a cut end.
"""

from django.db import models

from apps.auth.types import AuditAction
from veza.kit.models import new_id


class AuditEntry(models.Model):
    """One security event, written in the transaction that made it true.

    The ids are no foreign keys: an entry outlives whom it is about.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=50, choices=AuditAction.choices)
    actor_type = models.CharField(max_length=20, blank=True, help_text="Empty: nobody signed in")
    actor_id = models.CharField(max_length=64, blank=True)
    user_id = models.UUIDField(null=True, blank=True, help_text="Whose account it is about")
    request_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True)
    origin_hash = models.CharField(max_length=64, help_text="SHA-256 of the salted origin")

    origin: "AuditOrigin"
    seal: "AuditSeal"

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["user_id", "-at", "-id"], name="audit_by_user"),
            models.Index(fields=["action", "-at", "-id"], name="audit_by_action"),
            models.Index(fields=["actor_id", "-at", "-id"], name="audit_by_actor"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.user_id or ''}".rstrip()


class AuditOrigin(models.Model):
    """From where: personal, so it can be erased, and the entry still verifies without it."""

    entry = models.OneToOneField(
        AuditEntry,
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="origin",
        db_constraint=False,
    )
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    salt = models.CharField(max_length=32)

    def __str__(self) -> str:
        return f"{self.ip or ''} {self.user_agent[:40]}".strip()


class AuditSeal(models.Model):
    """The place of an entry in the chain; written by the database alone."""

    position = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(
        AuditEntry, on_delete=models.DO_NOTHING, related_name="seal", db_constraint=False
    )
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


class AuditCheck(models.Model):
    """What a look at the chain found: how far it is whole, and what is wrong there."""

    at = models.DateTimeField()
    position = models.BigIntegerField()
    hash = models.CharField(max_length=64, blank=True)
    fault = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.position} {self.fault}".rstrip()
