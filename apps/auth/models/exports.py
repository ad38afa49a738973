"""Copies of all that the platform holds on a person."""

from django.db import models

from apps.auth.models.people import User
from apps.auth.types import ExportStatus
from veza.kit.models import Entity


class DataExport(Entity):
    """The newest copy somebody asked for; `key` is where the zip lies once it is ready."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, choices=ExportStatus.choices)
    progress = models.PositiveSmallIntegerField(default=0, help_text="0 to 100")
    key = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"export of {self.user_id}"
