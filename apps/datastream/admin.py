"""The operators' view of the road of rounds: PostgreSQL's slot, the stream, the projection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from apps.datastream.models import CaptureView
from apps.datastream.selectors.road import ProjectorStatus, projector_status
from apps.events import selectors as events
from apps.events.types import CaptureStatus, EventsPermission
from veza.kit.errors import UpstreamError
from veza.kit.operators import OperatorPage

Status = TypeVar("Status")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One part of the road: how it is, what that means, and what to do."""

    name: str
    state: str
    advice: str
    lines: list[tuple[str, str]]


@admin.register(CaptureView)
class CaptureViewAdmin(OperatorPage):
    """Slot, lag, position and state of capture and projector; changes nothing."""

    see = EventsPermission.READ

    def get_urls(self) -> list[URLPattern]:
        """The page alone: there are no rows to add or change."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="datastream_captureview_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """GET alone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": "Change capture",
            "opts": self.opts,
            "now": now,
            "stages": [
                _capture(_read(events.capture_status)),
                _projector(_read(lambda: projector_status(now=now))),
            ],
        }
        return TemplateResponse(request, "datastream/capture.html", context)


def _read(status: Callable[[], Status]) -> Status | str:
    """What it says, or why it cannot be asked."""
    try:
        return status()
    except (UpstreamError, DatabaseError) as fault:
        return str(fault).strip() or type(fault).__name__


def _capture(status: CaptureStatus | str) -> Stage:
    if isinstance(status, str):
        return _unknown("Capture", status)
    reader = f"server process {status.active_pid}" if status.active_pid else "nobody"
    safe = "no limit" if status.safe_bytes is None else _size(status.safe_bytes)
    return Stage(
        name="Capture",
        state=status.state,
        advice=status.detail or "Rows are read as they are committed.",
        lines=[
            ("Slot", f"{status.slot} ({status.wal_status or 'there is none'})"),
            ("Read by", reader),
            ("PostgreSQL may forget up to", status.confirmed or "nothing"),
            ("Kept for the slot", _size(status.lag_bytes)),
            ("Behind (3 s are by design)", f"{status.lag_s:.1f} s"),
            ("May still be written before the slot is lost", safe),
            ("Cannot be decoded", status.unreadable or "nothing"),
            ("Skipped by operators", f"{status.skipped:,}"),
        ],
    )


def _projector(status: ProjectorStatus | str) -> Stage:
    if isinstance(status, str):
        return _unknown("Projector", status)
    state, advice = _judged(status)
    return Stage(
        name="Projector",
        state=state,
        advice=advice,
        lines=[
            ("Epoch", status.epoch or "none yet"),
            ("Messages told", f"{status.head:,}"),
            ("Has read the stream up to", status.place or "nothing"),
            ("Behind", f"{status.lag_s:.1f} s"),
            ("Entries in the stream", f"{status.waiting:,}"),
            ("REST reads", "the projection" if status.is_ready else "the tables"),
        ],
    )


def _unknown(name: str, fault: str) -> Stage:
    return Stage(name=name, state="unknown", advice=f"It cannot be asked: {fault}", lines=[])


def _judged(status: ProjectorStatus) -> tuple[str, str]:
    if status.is_behind:
        return (
            "behind",
            "Start `manage.py projector`, or read its log: Redis or NATS may refuse it.",
        )
    if not status.epoch:
        return "waiting", "Nothing was captured yet."
    return "up", "Changes are projected as they are captured."


def _size(number: int) -> str:
    return f"{filesizeformat(number)} ({number:,} bytes)"
