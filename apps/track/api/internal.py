"""What the stream server reports."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track.api.serializers.jobs import StreamReadyInput
from apps.track.services.jobs import Report, take_report
from apps.track.services.stages import MadeRendition
from veza.kit.api.signed import IsSigned, SignedCalls


class StreamReadyView(APIView):
    """By a signed call."""

    authentication_classes = (SignedCalls,)
    permission_classes = (IsSigned,)

    @extend_schema(
        operation_id="internal_tracks_stream_ready",
        tags=["internal"],
        summary="A job of the stream server has ended",
        description="A report that comes again, with a new nonce, has no second effect.",
        request=StreamReadyInput,
        responses={
            204: OpenApiResponse(description="Taken."),
            404: OpenApiResponse(description="`track_not_found`, `version_not_found`"),
            409: OpenApiResponse(
                description="`stale_version`: a newer version is the active job; `job_unknown`"
            ),
        },
    )
    def post(self, request: Request, track_id: UUID) -> Response:
        form = StreamReadyInput(data=request.data)
        form.is_valid(raise_exception=True)
        take_report(track_id=track_id, report=_report(form.validated_data), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _report(told: dict[str, Any]) -> Report:
    return Report(
        version=told["version"],
        is_ready=told["status"] == "ready",
        master_url=told.get("master_url", ""),
        duration_ms=told.get("duration_ms"),
        renditions=[MadeRendition(**each) for each in told.get("renditions", ())],
        error=told.get("error", ""),
    )
