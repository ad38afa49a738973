"""What happened that bears on security."""

from django.contrib import admin

from apps.auth.admin.operators import ForOperators
from apps.auth.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ForOperators):
    """The audit log, newest first."""

    list_display = ["at", "action", "user_id", "actor_type", "actor_id", "ip", "request_id"]
    list_filter = ["action"]
    search_fields = ["=user_id", "=actor_id", "=ip", "=request_id"]
    ordering = ["-at", "-id"]
