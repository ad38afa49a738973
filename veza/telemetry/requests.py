"""What the log says of every request and task besides its outcome."""

import time
from contextlib import ExitStack
from typing import Any

import structlog
from celery.signals import setup_logging, task_postrun, task_prerun
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty
from django_structlog import signals as request_signals
from django_structlog.celery.steps import DjangoStructLogInitStep

from veza.kit.api.requests import client_address
from veza.kit.context import bind_request_id

STARTED = "veza.started"
_tasks: dict[str, ExitStack] = {}


def follow_requests() -> None:
    """Add client, user and duration to the lines of django-structlog's middleware."""
    request_signals.bind_extra_request_metadata.connect(_bind_client, dispatch_uid="veza")
    request_signals.bind_extra_request_finished_metadata.connect(_bind_outcome, dispatch_uid="veza")
    request_signals.bind_extra_request_failed_metadata.connect(_bind_outcome, dispatch_uid="veza")


def follow_tasks(app: Any) -> None:
    """One line per task, and the id of the request that caused it in all that the task does."""
    app.steps["worker"].add(DjangoStructLogInitStep)
    setup_logging.connect(_keep_logging, dispatch_uid="veza")
    task_prerun.connect(_enter_task, dispatch_uid="veza")
    task_postrun.connect(_leave_task, dispatch_uid="veza")


def _enter_task(*, task_id: str, task: Any, **_: object) -> None:
    request_id = (getattr(task.request, "__django_structlog__", None) or {}).get("request_id")
    if request_id:
        scope = _tasks[task_id] = ExitStack()
        scope.enter_context(bind_request_id(str(request_id)))


def _leave_task(*, task_id: str, **_: object) -> None:
    if scope := _tasks.pop(task_id, None):
        scope.close()


def _keep_logging(**_: object) -> None:
    """Celery sets up no logging of its own once somebody listens here."""


def _bind_client(*, request: HttpRequest, **_: object) -> None:
    request.META[STARTED] = time.perf_counter()
    structlog.contextvars.bind_contextvars(ip=client_address(request))


def _bind_outcome(*, request: HttpRequest, log_kwargs: dict[str, Any], **_: object) -> None:
    started = request.META.get(STARTED)
    if started is not None:
        log_kwargs["duration_ms"] = round((time.perf_counter() - started) * 1000, 1)
    log_kwargs["user_agent"] = request.META.get("HTTP_USER_AGENT", "")[:256]
    user_id = _known_user_id(request)
    if user_id:
        log_kwargs["user_id"] = user_id


def _known_user_id(request: HttpRequest) -> str:
    """Who it was, if anybody has asked so far: a line in the log is not worth a query."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject) and user.__dict__.get("_wrapped") is empty:
        return ""
    pk = getattr(user, "pk", None)
    return str(pk) if pk else ""
