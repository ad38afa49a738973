"""Traces by OpenTelemetry: off without a collector, and then not even imported."""

from django.core.exceptions import ImproperlyConfigured

MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed:"
    " install veza[otel], or unset it."
)


def trace_requests(*, endpoint: str, role: str, environment: str, release: str) -> None:
    """Send spans to the collector at `endpoint`; nothing happens without one.

    Call it after the settings are read and before the first handler is built. Raises
    ImproperlyConfigured when the packages are missing.
    """
    if not endpoint:
        return
    try:
        from veza.telemetry.spans import export_spans  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImproperlyConfigured(MISSING) from error
    export_spans(endpoint=endpoint, role=role, environment=environment, release=release)
