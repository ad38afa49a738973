"""HTTP in, one call, HTTP out."""

from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.analytics.api.serializers import (
    EventsInput,
    EventsRequest,
    ManyTracksReportOutput,
    PeriodInput,
    ReceiptOutput,
    ReportOutput,
    figures_body,
)
from apps.analytics.rules.intake import is_bot
from apps.analytics.services import reports
from apps.analytics.services.intake import take_events
from apps.analytics.types import UNKNOWN_COUNTRY, AnalyticsPermission, Period, Report, Sender
from veza.integrations.places import country_of
from veza.kit.api.permissions import requires
from veza.kit.api.requests import client_of

PLAY = {
    "events": [
        {
            "id": "0193b7c4-5f3e-7d10-9c6a-3f1d2b4c5e6f",
            "type": "play_progress",
            "track_id": "0193b7c4-1111-7d10-9c6a-3f1d2b4c5e6f",
            "session_id": "f3b1",
            "at": "2026-11-21T10:00:30Z",
            "position_ms": 30000,
            "source": "playlist",
        }
    ]
}


class EventsView(APIView):
    """Open to everyone: players tell what was heard."""

    permission_classes = ()

    @extend_schema(
        operation_id="events_create",
        tags=["analytics"],
        summary="Tell what was heard",
        description=(
            "Up to 500 events. Each counts once, whoever repeats it. A play counts when 30 s or"
            " half of the track was heard, once per session and hour (UTC): between two events"
            " of a player the position has to move on about as fast as the clock, else it jumped."
            " Crawlers are kept and not counted; addresses are not kept."
        ),
        request=EventsRequest,
        responses={202: ReceiptOutput},
        examples=[OpenApiExample("Half a minute", value=PLAY, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        form = EventsInput(data=request.data)
        form.is_valid(raise_exception=True)
        receipt = take_events(
            form.validated_data["events"], sender=_sender(request), now=timezone.now()
        )
        return Response(ReceiptOutput(receipt).data, status=status.HTTP_202_ACCEPTED)


class TrackReportView(APIView):
    """For the owner and who may edit the track."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="analytics_track",
        tags=["analytics"],
        summary="How a track is heard",
        description="For its owner and its collaborators.",
        parameters=[PeriodInput],
        responses={200: ReportOutput, 404: OpenApiResponse(description="`track_not_found`")},
    )
    def get(self, request: Request, track_id: UUID) -> Response:
        report = reports.report_on_track(
            track_id, user_id=_user_id(request), period=_period(request), now=timezone.now()
        )
        return Response(ReportOutput(_body(report)).data)


class OwnReportView(APIView):
    """For whoever asks, on what is his."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="analytics_me",
        tags=["analytics"],
        summary="How my tracks are heard",
        parameters=[PeriodInput],
        responses={200: ManyTracksReportOutput},
    )
    def get(self, request: Request) -> Response:
        report = reports.report_on_own(
            _user_id(request), period=_period(request), now=timezone.now()
        )
        return Response(ManyTracksReportOutput(_body(report)).data)


class PlatformReportView(APIView):
    """For operators."""

    permission_classes = (requires(AnalyticsPermission.PLATFORM),)

    @extend_schema(
        operation_id="analytics_platform",
        tags=["analytics"],
        summary="How the whole platform is heard",
        description="Needs `analytics.platform`.",
        parameters=[PeriodInput],
        responses={200: ManyTracksReportOutput},
    )
    def get(self, request: Request) -> Response:
        report = reports.report_on_platform(period=_period(request), now=timezone.now())
        return Response(ManyTracksReportOutput(_body(report)).data)


def _sender(request: Request) -> Sender:
    client = client_of(request)
    return Sender(
        user_id=_user_id(request) if request.user and request.user.is_authenticated else None,
        country=country_of(client.address) or UNKNOWN_COUNTRY,
        is_bot=is_bot(client.user_agent),
    )


def _user_id(request: Request) -> UUID:
    return cast(UUID, request.user.pk)


def _period(request: Request) -> Period:
    form = PeriodInput(data=request.query_params)
    form.is_valid(raise_exception=True)
    return cast(Period, form.validated_data["period"])


def _body(report: Report) -> dict[str, Any]:
    return {
        "from": report.period.start,
        "to": report.period.end,
        "interval": report.period.interval,
        "totals": figures_body(report.totals),
        "series": [{"at": each.at, **figures_body(each.figures)} for each in report.series],
        "retention": report.retention,
        "sources": [{"name": name, "plays": plays} for name, plays in report.sources.items()],
        "countries": [{"code": code, "plays": plays} for code, plays in report.countries.items()],
        "computed_at": report.computed_at,
        "tracks": report.tracks,
    }
