"""HTTP in, one call, HTTP out: the sample domain of metrics."""

from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.datastream.api.serializers.metrics import (
    CreateMetricInput,
    CreateReadingInput,
    ListMetricsInput,
    MetricInListOutput,
    MetricOutput,
    ReadingOutput,
)
from apps.datastream.models import Metric, Reading
from apps.datastream.rules.numbers import exact_number
from apps.datastream.selectors import metrics as selectors
from apps.datastream.services import metrics as services
from apps.datastream.types import ReadingOfMetric
from apps.events.types import Actor
from veza.kit.api.caching import PublicAnswers, Until
from veza.kit.api.etags import etag_of, not_modified, set_etag
from veza.kit.api.idempotency import IdempotentMixin

UNKNOWN = OpenApiResponse(description="`metric_not_found`")


class MetricsView(PublicAnswers, IdempotentMixin, APIView):
    """Anyone reads, any signed-in user adds."""

    kept_until = Until(facts=("metric_created", "metric_reading_created"))
    permission_classes = (IsAuthenticatedOrReadOnly,)

    @extend_schema(
        operation_id="metrics_list",
        tags=["metrics"],
        summary="The newest metrics",
        description="The newest 1,000, newest first, as a bare array.",
        parameters=[ListMetricsInput],
        responses={200: MetricInListOutput(many=True)},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        form = ListMetricsInput(data=request.query_params)
        form.is_valid(raise_exception=True)
        metrics = list(selectors.list_metrics())
        if not form.validated_data["with_readings"]:
            return Response([_metric_body(metric) for metric in metrics])
        return Response(_with_readings(metrics))

    @extend_schema(
        operation_id="metrics_create",
        tags=["metrics"],
        summary="Make a metric",
        description="Announced as `metric_created` in the room `metrics`.",
        request=CreateMetricInput,
        responses={201: MetricOutput},
        examples=[
            OpenApiExample(
                "Twice a second",
                value={"name": "temperature", "input_frequency": "500ms"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        form = CreateMetricInput(data=request.data)
        form.is_valid(raise_exception=True)
        metric = services.create_metric(
            name=form.validated_data["name"],
            input_frequency_ns=form.validated_data["input_frequency"],
            actor=_actor(request),
        )
        return _created(_metric_body(metric), metric_id=metric.id)


class MetricView(PublicAnswers, APIView):
    """Open to everyone."""

    kept_until = Until(subjects=("metric:{metric_id}",))
    permission_classes = ()
    is_conditional = True

    @extend_schema(
        operation_id="metrics_get",
        tags=["metrics"],
        summary="One metric",
        responses={200: MetricOutput, 404: UNKNOWN},
        auth=[],
    )
    def get(self, request: Request, metric_id: UUID) -> Response:
        body = _metric_body(selectors.get_metric(metric_id))
        etag = etag_of(*body.values())
        if not_modified(request, etag):
            response = Response(status=status.HTTP_304_NOT_MODIFIED)
        else:
            response = Response(body)
        set_etag(response, etag)
        return response


class ReadingsView(IdempotentMixin, APIView):
    """Any signed-in user adds."""

    @extend_schema(
        operation_id="metrics_readings_create",
        tags=["metrics"],
        summary="Add a reading",
        description="Announced as `metric_reading_created` in the room `metrics`.",
        request=CreateReadingInput,
        responses={201: ReadingOutput, 404: UNKNOWN},
    )
    def post(self, request: Request) -> Response:
        form = CreateReadingInput(data=request.data)
        form.is_valid(raise_exception=True)
        reading = services.record_reading(
            metric_id=form.validated_data["metric_id"],
            value=form.validated_data["value"],
            timestamp=form.validated_data.get("timestamp") or timezone.now(),
            actor=_actor(request),
        )
        return _created(_reading_body(reading), metric_id=reading.metric_id)


def _metric_body(metric: Metric) -> dict[str, Any]:
    return {
        "id": metric.id,
        "name": metric.name,
        "input_frequency": metric.input_frequency_ns,
    }


def _reading_body(reading: Reading) -> dict[str, Any]:
    return {
        "id": reading.id,
        "metric_id": reading.metric_id,
        "value": exact_number(reading.value),
        "timestamp": reading.timestamp,
    }


def _with_readings(metrics: Iterable[Metric]) -> list[dict[str, Any]]:
    bodies = [_metric_body(metric) for metric in metrics]
    readings: Mapping[UUID, list[ReadingOfMetric]] = selectors.newest_readings(
        body["id"] for body in bodies
    )
    return [{**body, "readings": readings.get(body["id"], [])} for body in bodies]


def _created(body: dict[str, Any], *, metric_id: UUID) -> Response:
    location = reverse("metric", args=[metric_id])
    return Response(body, status.HTTP_201_CREATED, headers={"Location": location})


def _actor(request: Request) -> Actor:
    return Actor(type="user", id=cast(UUID, request.user.pk))
