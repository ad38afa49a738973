"""What happened that bears on security."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated

from apps.auth.api.permissions import IsStaff
from apps.auth.api.serializers.audit import AuditEntryOutput, ListAuditInput
from apps.auth.models import AuditEntry
from apps.auth.selectors.audit import list_audit_entries


@extend_schema_view(
    get=extend_schema(
        operation_id="audit_list",
        tags=["audit"],
        summary="The audit log",
        description="Every security event, newest first. For operators and admins.",
        parameters=[ListAuditInput],
    )
)
class AuditView(ListAPIView):
    """For operators."""

    permission_classes = (IsAuthenticated, IsStaff)
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
