"""What is done for a version, step by step: for operators, and counted for metrics."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from apps.track.errors import RejectedError
from apps.track.models import StepEntry
from apps.track.types import Step, StepResult
from veza.integrations.antivirus import ScanLimitError
from veza.integrations.media import MediaInvalidError
from veza.kit.errors import StorageFullError, UpstreamError, VezaError
from veza.kit.metrics import TRACK_STEP_DURATION, TRACK_STEPS

KEPT = 60
"""Rows of each version: more than eight tries of six steps."""


@contextmanager
def step(version_id: UUID, name: Step) -> Iterator[None]:
    """Write down that the step begins and how it ends; what it raises passes through."""
    entry = begin(version_id, name, now=timezone.now())
    started = time.perf_counter()
    result, fault = StepResult.LOST, None
    try:
        yield
        result = StepResult.DONE
    except Exception as error:
        result, fault = _result_of(error), error
        raise
    finally:
        took_s = time.perf_counter() - started
        TRACK_STEPS.labels(name, result).inc()
        TRACK_STEP_DURATION.labels(name).observe(took_s)
        end(entry, result, fault, took_s=took_s, now=timezone.now())


def begin(version_id: UUID, name: Step, *, now: datetime) -> StepEntry:
    """One more row; those of a worker that was killed are closed as lost, and the oldest go."""
    rows = StepEntry.objects.filter(version_id=version_id)
    rows.filter(result=StepResult.RUNNING).update(result=StepResult.LOST, ended_at=now)
    rows.filter(due_at__isnull=False).update(due_at=None)
    entry = StepEntry.objects.create(version_id=version_id, step=name, began_at=now)
    kept = rows.order_by("-id").values_list("pk", flat=True)[:KEPT]
    rows.exclude(pk__in=list(kept)).delete()
    return entry


def end(
    entry: StepEntry, result: StepResult, fault: Exception | None, *, took_s: float, now: datetime
) -> None:
    """A try that ended as the one before it adds to that row instead of having its own."""
    entry.result, entry.ended_at, entry.duration_ms = result, now, round(took_s * 1000)
    entry.code, entry.detail = _code_of(fault)[:60], _detail_of(fault)[:300]
    before = StepEntry.objects.filter(version_id=entry.version_id, pk__lt=entry.pk)
    last = before.order_by("-id").first()
    if last is None or result == StepResult.DONE or not _is_alike(entry, last):
        entry.save()
        return
    StepEntry.objects.filter(pk=last.pk).update(
        tries=F("tries") + 1, ended_at=now, duration_ms=entry.duration_ms, detail=entry.detail
    )
    entry.delete()


def note_next_try(version_id: UUID, *, at: datetime) -> None:
    """When the version is tried again, for operators to read."""
    rows = StepEntry.objects.filter(version_id=version_id, result=StepResult.WAITS)
    newest = rows.order_by("-id").values_list("pk", flat=True)[:1]
    StepEntry.objects.filter(pk__in=list(newest)).update(due_at=at)


def _is_alike(one: StepEntry, other: StepEntry) -> bool:
    return (one.step, one.result, one.code) == (other.step, other.result, other.code)


def _result_of(fault: Exception) -> StepResult:
    match fault:
        case RejectedError() | MediaInvalidError():
            return StepResult.REJECTED
        case ScanLimitError():
            return StepResult.FAILED
        case UpstreamError() | StorageFullError():
            return StepResult.WAITS
        case _:
            return StepResult.FAILED


def _code_of(fault: Exception | None) -> str:
    if fault is None:
        return ""
    return fault.code if isinstance(fault, VezaError | RejectedError) else type(fault).__name__


def _detail_of(fault: Exception | None) -> str:
    if isinstance(fault, RejectedError):
        return fault.found or str(fault)
    return str(fault or "")
