"""Starts what watches this process; Django calls it once, when its apps are ready."""

from django.conf import settings

from veza.celery import app as celery_app
from veza.kit.metrics import watch_database
from veza.telemetry.requests import follow_requests, follow_tasks
from veza.telemetry.traces import trace_requests


def start() -> None:
    """Metrics and logs always, error reports and traces when they are configured."""
    watch_database()
    follow_requests()
    follow_tasks(celery_app)
    if settings.SENTRY_DSN:
        from veza.telemetry.errors import report_errors  # noqa: PLC0415 - 90 ms of imports

        report_errors(
            dsn=settings.SENTRY_DSN, environment=settings.VEZA_ENV, release=settings.VERSION
        )
    trace_requests(
        endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT,
        role=settings.VEZA_ROLE,
        release=settings.VERSION,
        environment=settings.VEZA_ENV,
    )
