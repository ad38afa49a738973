"""Spans of requests, SQL, Redis and tasks, by the packages of the extra `otel`."""

from collections.abc import Sequence
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from veza.kit.context import current_request_id
from veza.kit.redaction import redact, redact_text

NOT_TRACED = "healthz,readyz,metrics,static/"


def export_spans(*, endpoint: str, role: str, environment: str, release: str) -> None:
    """Instrument what makes spans, and send them in batches to `endpoint` (OTLP over HTTP)."""
    resource = Resource.create(
        {
            "service.name": f"veza-{role}" if role else "veza",
            "service.version": release,
            "deployment.environment.name": environment,
        }
    )
    provider = TracerProvider(resource=resource)
    exporter = SafeExporter(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    # Position 1: inside the middleware that gives the request its id.
    DjangoInstrumentor().instrument(
        excluded_urls=NOT_TRACED, request_hook=_name_request, middleware_position=1
    )
    PsycopgInstrumentor().instrument()
    RedisInstrumentor().instrument()
    celery: Any = CeleryInstrumentor
    celery().instrument()


def _name_request(span: Any, _request: object) -> None:
    if span.is_recording():
        span.set_attribute("veza.request_id", current_request_id())


class SafeExporter(SpanExporter):
    """Passes copies of the spans on, without secrets and without query strings."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_safe_copy(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _safe_copy(span: ReadableSpan) -> ReadableSpan:
    events = [
        Event(event.name, _safe_attributes(event.attributes), event.timestamp)
        for event in span.events
    ]
    return ReadableSpan(
        name=str(redact(span.name)),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_safe_attributes(span.attributes),
        events=events,
        links=span.links,
        kind=span.kind,
        status=_safe_status(span.status),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _safe_status(status: Status) -> Status:
    return Status(status.status_code, status.description and redact_text(status.description))


def _safe_attributes(attributes: Any) -> dict[str, Any]:
    safe = cast(dict[str, Any], redact(dict(attributes or {})))
    for name in ("http.url", "http.target", "url.full"):
        if isinstance(safe.get(name), str):
            safe[name] = safe[name].partition("?")[0]
    safe.pop("url.query", None)
    return safe
