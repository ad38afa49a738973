"""Logs: one pipeline for everything that logs, one line of JSON for each event in production.

Django's settings are made with `logging_config`, so nothing here may need them. Whatever a
client sends (line ends, terminal sequences, broken JSON) stays inside one string of one line.
"""

import re
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from veza.kit.context import current_request_id
from veza.kit.redaction import redact

QUIET_PATHS = ("/healthz", "/readyz", "/metrics", "/static/", "/favicon.ico")
FAILED = 400
FIRST = ("timestamp", "level", "event", "logger", "request_id")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TRACEBACK_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

# What others say about a request or a task is said already, once, by `request_finished` and
# `task_succeeded`; their own lines would say it again, some of them with query strings.
SAID_ALREADY = (
    "django.request",
    "django.server",
    "daphne.access",
    "uvicorn.access",
    "granian.access",
    "celery.app.trace",
    "celery.worker.strategy",
)
TALKATIVE = ("httpx", "httpcore", "urllib3", "amqp", "kombu", "asyncio", "psycopg.pool")


def log_format(*, chosen: str | None, stream: TextIO = sys.stderr) -> Literal["json", "console"]:
    """`chosen` if there is a choice, else for people on a terminal and for machines elsewhere."""
    if chosen in ("json", "console"):
        return "json" if chosen == "json" else "console"
    return "console" if stream.isatty() else "json"


def logging_config(*, level: str, output: Literal["json", "console"]) -> dict[str, Any]:
    """Django's LOGGING. It goes to stderr: what commands print on stdout stays machine-readable."""
    quiet = {name: {"level": "CRITICAL"} for name in SAID_ALREADY}
    less = {name: {"level": "WARNING"} for name in TALKATIVE}
    plain = {name: {"handlers": [], "propagate": True} for name in ("django", "uvicorn", "celery")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "veza": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": _rendering(output),
                "foreign_pre_chain": _shared(),
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "veza",
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": quiet | less | plain,
    }


def configure_structlog() -> None:
    """Send structlog's loggers through the standard library's, so that there is one pipeline."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _drop_quiet_requests,
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _rendering(output: Literal["json", "console"]) -> list[Processor]:
    first: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact]
    if output == "json":
        return [*first, _flatten_message, structlog.processors.JSONRenderer(default=str)]
    return [*first, _escape_control, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


def _drop_quiet_requests(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Monitors and browsers ask all the time; only what went wrong is worth a line."""
    if event.get("event") == "streaming_finished":  # after a `request_finished` of its own
        raise structlog.DropEvent
    if event.get("event") != "request_finished" or event.get("code", 0) >= FAILED:
        return event
    path = str(event.get("request", "")).partition(" ")[2]
    if path.startswith(QUIET_PATHS):
        raise structlog.DropEvent
    return event


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if request_id := current_request_id():
        event["request_id"] = request_id
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's second copy of the same message
    if isinstance(request := event.get("request"), str):
        event["request"] = request.partition("?")[0]
    safe: Any = redact(event)
    ordered: EventDict = {name: safe[name] for name in FIRST if name in safe} | safe
    return ordered


def _flatten_message(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["event"] = str(event.get("event", ""))
    return event


def _escape_control(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Nothing that a client sends may steer the terminal or begin a line of its own."""
    for name, value in event.items():
        if isinstance(value, str):
            pattern = _TRACEBACK_CONTROL if name in ("exception", "stack") else _CONTROL
            event[name] = pattern.sub(lambda match: f"\\x{ord(match[0]):02x}", value)
    return event
