"""The audit log."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from apps.auth.models import AuditEntry
from apps.auth.types import AuditAction
from veza.kit.api.fields import TextOnly


class ListAuditInput(serializers.Serializer):
    """Filters; every one that is given has to match. `from` is included, `to` is not."""

    actor = TextOnly(required=False, max_length=64, help_text="The id of who did it.")
    action = serializers.ChoiceField(choices=AuditAction.choices, required=False)

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own, so it cannot stand above."""
        return super().get_fields() | {
            "from": serializers.DateTimeField(required=False, default_timezone=UTC),
            "to": serializers.DateTimeField(required=False, default_timezone=UTC),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        since: datetime | None = attrs.get("from")
        until: datetime | None = attrs.get("to")
        if since and until and since > until:
            raise serializers.ValidationError({"from": "`from` is later than `to`."})
        return attrs


class AuditEntryOutput(serializers.ModelSerializer):
    """A security event. `ip` and `user_agent` are null once they were erased."""

    actor = serializers.SerializerMethodField()
    ip = serializers.SerializerMethodField()
    user_agent = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = [
            "id",
            "at",
            "action",
            "actor",
            "user_id",
            "ip",
            "user_agent",
            "request_id",
            "details",
        ]
        read_only_fields = fields

    def get_actor(self, entry: AuditEntry) -> dict[str, str] | None:
        return {"type": entry.actor_type, "id": entry.actor_id} if entry.actor_type else None

    def get_ip(self, entry: AuditEntry) -> str | None:
        return entry.origin.ip if hasattr(entry, "origin") else None

    def get_user_agent(self, entry: AuditEntry) -> str | None:
        return entry.origin.user_agent if hasattr(entry, "origin") else None
