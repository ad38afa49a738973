"""Reports of bugs to Sentry: with the request id, without anything personal."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.types import Event, Hint

from veza.kit.context import current_request_id
from veza.kit.redaction import redact

NOT_BUGS = ("django.security.DisallowedHost", "django_structlog.middlewares.request")


def report_errors(*, dsn: str, environment: str, release: str, **options: Any) -> None:
    """Send uncaught exceptions, and what is logged at ERROR, to Sentry."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"veza@{release}",
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=30,
        traces_sample_rate=None,
        default_integrations=True,
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(), CeleryIntegration(), LoggingIntegration()],
        before_send=_prepare,
        **options,
    )
    for name in NOT_BUGS:
        ignore_logger(name)


def _prepare(event: Event, hint: Hint) -> Event | None:
    record = hint.get("log_record")
    if record is not None and isinstance(record.msg, dict):  # structlog's form of a message
        event["logentry"] = {"message": str(record.msg.get("event", "")), "params": []}
    safe: Any = redact(event, depth=20)
    if request := safe.get("request"):
        request.pop("query_string", None)
        request.pop("cookies", None)
    if request_id := current_request_id():
        safe.setdefault("tags", {})["request_id"] = request_id
    prepared: Event = safe
    return prepared
