"""What happened that bears on security."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView

from apps.auth.api.serializers.audit import AuditEntryOutput, ListAuditInput
from apps.auth.models import AuditEntry
from apps.auth.selectors.audit import list_audit_entries
from apps.auth.types import AuthPermission
from veza.kit.api.permissions import requires


@extend_schema_view(
    get=extend_schema(
        operation_id="audit_list",
        tags=["audit"],
        summary="The audit log",
        description="Every security event, newest first. Needs `audit.read`.",
        parameters=[ListAuditInput],
    )
)
class AuditView(ListAPIView):
    """For operators."""

    permission_classes = (requires(AuthPermission.READ_AUDIT),)
    serializer_class = AuditEntryOutput
    ordering_fields = ("at",)
    ordering = "-at"

    def get_queryset(self) -> QuerySet[AuditEntry]:
        form = ListAuditInput(data=self.request.query_params)
        form.is_valid(raise_exception=True)
        chosen = form.validated_data
        return list_audit_entries(
            action=chosen.get("action"),
            actor=chosen.get("actor"),
            since=chosen.get("from"),
            until=chosen.get("to"),
        )
