"""/healthz, /readyz and /metrics."""

import hmac
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from veza.health.exposition import CONTENT_TYPE, exposition
from veza.health.readiness import readiness_answer
from veza.kit.api.requests import is_local
from veza.kit.errors import UnauthenticatedError

STATES = ("up", "down", "degraded", "off")


class FirstRenderer(BaseContentNegotiation):
    """These addresses have one representation: monitors ask with all kinds of Accept headers."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class PlainTextRenderer(BaseRenderer):
    """Text that is ready to be sent."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"


class LivenessOutput(serializers.Serializer):
    status = serializers.ChoiceField(choices=["alive"])


class DependencyOutput(serializers.Serializer):
    state = serializers.ChoiceField(choices=STATES)
    latency_ms = serializers.IntegerField(min_value=0)
    detail = serializers.CharField(required=False)


class ReadinessOutput(serializers.Serializer):
    status = serializers.ChoiceField(choices=["ready", "degraded", "unavailable"])
    dependencies = serializers.DictField(child=DependencyOutput())


class OperationsView(APIView):
    """Open to monitors: no token, no rate limit, no choice of representation."""

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = FirstRenderer
    metadata_class = None  # nothing to tell to OPTIONS


class LivenessView(OperationsView):
    @extend_schema(
        operation_id="get_liveness", tags=["operations"], responses={200: LivenessOutput}
    )
    def get(self, request: Request) -> Response:
        """Whether the process is alive. It touches nothing: restart what does not answer."""
        return Response({"status": "alive"}, headers={"Cache-Control": "no-store"})


class ReadinessView(OperationsView):
    @extend_schema(
        operation_id="get_readiness",
        tags=["operations"],
        responses={
            200: ReadinessOutput,
            503: OpenApiResponse(ReadinessOutput, "Something that is required is down."),
        },
    )
    def get(self, request: Request) -> Response:
        """Whether requests can be served, and how each dependency is; answers within a second."""
        status, document = readiness_answer()
        return Response(document, status=status, headers={"Cache-Control": "no-store"})


class MetricsView(OperationsView):
    renderer_classes = (PlainTextRenderer,)

    @extend_schema(
        operation_id="get_metrics",
        tags=["operations"],
        auth=[{"metricsToken": []}],  # type: ignore[list-item] # it is mis-declared
        responses={(200, "text/plain"): str},
    )
    def get(self, request: Request) -> HttpResponse:
        """Prometheus metrics: open to the same machine, else for the bearer of METRICS_TOKEN."""
        if not (is_local(request) or _bears_token(request)):
            raise UnauthenticatedError("Metrics need METRICS_TOKEN as bearer token.")
        return HttpResponse(
            exposition(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
        )


def _bears_token(request: Request) -> bool:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    known = settings.METRICS_TOKEN
    return (
        bool(known)
        and scheme.lower() == "bearer"
        and hmac.compare_digest(token.strip().encode("utf-8", "replace"), known.encode())
    )
