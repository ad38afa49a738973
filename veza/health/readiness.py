"""Whether this process can serve: the document of /readyz, in under a second whatever hangs."""

import threading
from http import HTTPStatus
from typing import Any, Literal, TypedDict

import structlog
from django.conf import settings

from veza.health.dependencies import CHECKS, Condition
from veza.kit.asgi import lifecycle
from veza.kit.probes import Answer, Probe, read_all

logger = structlog.get_logger(__name__)

TIMEOUT_S = 0.8
MAX_AGE_S = 1.5
NO_ANSWER = "It does not answer in time."
NO_CONNECTION = "It cannot be used."

Status = Literal["ready", "degraded", "unavailable"]


class Readiness(TypedDict):
    status: Status
    dependencies: dict[str, dict[str, Any]]


_probes = {
    name: Probe(check, timeout_s=TIMEOUT_S, max_age_s=MAX_AGE_S) for name, check in CHECKS.items()
}
_known: dict[str, str] = {}
_known_lock = threading.Lock()


def readiness_answer() -> tuple[int, Readiness]:
    """Status and document of /readyz: 503 when a required dependency is down, or we are leaving."""
    document = readiness()
    if lifecycle.is_stopping():
        document["status"] = "unavailable"
    unavailable = document["status"] == "unavailable"
    return (HTTPStatus.SERVICE_UNAVAILABLE if unavailable else HTTPStatus.OK), document


def readiness() -> Readiness:
    """How everything is that this process depends on; blocks for 0.8 s at most."""
    answers = read_all(_probes)
    conditions = {name: _condition(answer) for name, answer in answers.items()}
    _log_changes(conditions, answers)
    return {
        "status": _status({name: condition.state for name, condition in conditions.items()}),
        "dependencies": {
            name: _entry(conditions[name], answers[name].latency_s) for name in conditions
        },
    }


def _condition(answer: Answer[Condition]) -> Condition:
    if answer.value is not None:
        return answer.value
    return Condition("down", NO_CONNECTION if answer.error else NO_ANSWER)


def _entry(condition: Condition, latency_s: float) -> dict[str, Any]:
    latency_ms = 0 if condition.state == "off" else round(latency_s * 1000)
    entry: dict[str, Any] = {"state": condition.state, "latency_ms": latency_ms}
    return entry | ({"detail": condition.detail} if condition.detail else {})


def _status(states: dict[str, str]) -> Status:
    if any(states[name] == "down" for name in settings.READINESS_REQUIRED):
        return "unavailable"
    return "degraded" if {"down", "degraded"} & set(states.values()) else "ready"


def _log_changes(conditions: dict[str, Condition], answers: dict[str, Answer[Condition]]) -> None:
    """Say it once when a dependency fails or is back, with the reason that /readyz withholds."""
    with _known_lock:
        changed = {
            name: condition
            for name, condition in conditions.items()
            if _known.get(name, "up" if condition.state != "off" else "off") != condition.state
        }
        _known.update({name: condition.state for name, condition in conditions.items()})
    for name, condition in changed.items():
        log = logger.info if condition.state in ("up", "off") else logger.warning
        log(
            "dependency_changed",
            dependency=name,
            state=condition.state,
            detail=condition.detail,
            reason=repr(answers[name].error) if answers[name].error else "",
        )
