"""What happened that bears on security."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.auth.models import AuditEntry
from apps.auth.types import AuthPermission
from veza.kit.operators import OperatorPage


@admin.register(AuditEntry)
class AuditEntryAdmin(OperatorPage):
    """The audit log, newest first; `manage.py audit_verify` checks its chain."""

    see = AuthPermission.READ_AUDIT
    list_display = ["at", "action", "user_id", "actor", "ip", "request_id"]
    list_filter = ["action", "at"]
    search_fields = ["=user_id", "=actor_id", "=request_id", "=origin__ip"]
    search_help_text = "The whole id of a user, an actor or a request, or an address"
    ordering = ["-at", "-id"]
    fieldsets: ClassVar = [
        (None, {"fields": ["id", "at", "action", "user_id", "actor", "details"]}),
        ("Origin", {"fields": ["ip", "user_agent", "request_id"]}),
        ("Chain", {"fields": ["position", "hash"]}),
    ]
    readonly_fields = ["actor", "ip", "user_agent", "position", "hash"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return super().get_queryset(request).select_related("origin", "seal")

    @admin.display(description="actor")
    def actor(self, entry: AuditEntry) -> str:
        return f"{entry.actor_type} {entry.actor_id}".strip()

    @admin.display(description="address")
    def ip(self, entry: AuditEntry) -> str | None:
        return entry.origin.ip if hasattr(entry, "origin") else "erased"

    @admin.display(description="user agent")
    def user_agent(self, entry: AuditEntry) -> str:
        return entry.origin.user_agent if hasattr(entry, "origin") else "erased"

    @admin.display(description="position")
    def position(self, entry: AuditEntry) -> int | None:
        return entry.seal.position if hasattr(entry, "seal") else None

    @admin.display(description="hash")
    def hash(self, entry: AuditEntry) -> str:
        return entry.seal.hash if hasattr(entry, "seal") else ""
