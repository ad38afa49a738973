"""The operators' view of what is open right now, and the button that ends it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from apps.realtime import selectors, services
from apps.realtime.models import LiveConnection
from apps.realtime.permissions import RealtimePermission
from apps.realtime.selectors import OpenConnection, ProcessReport
from veza.integrations.room_state import RoomStateUnavailableError
from veza.kit.operators import OperatorPage

MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class RoomLine:
    """A room and its members over all processes."""

    name: str
    members: int
    processes: int


@admin.register(LiveConnection)
class LiveConnectionAdmin(OperatorPage):
    """Processes, rooms and connections; ends a connection, or all of a user."""

    see = RealtimePermission.MANAGE

    def get_urls(self) -> list[URLPattern]:
        """The page alone: there are no rows to add or change."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="realtime_liveconnection_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """GET shows, POST ends `connection` or everything of `user`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            processes = selectors.list_processes()
        except RoomStateUnavailableError:
            processes = []
            messages.warning(request, "Redis does not answer, so nothing can be shown now.")
        if request.method == "POST":
            return self._end(request, processes)
        return self._show(request, processes)

    def _end(self, request: HttpRequest, processes: list[ProcessReport]) -> HttpResponse:
        name, user = request.POST.get("connection", ""), request.POST.get("user", "")
        chosen = [
            each
            for each in _connections(processes)
            if each.name == name or (user and each.user_id == user)
        ]
        for connection in chosen:
            services.end_connection(connection.name)
        if chosen:
            messages.success(request, f"{len(chosen)} connections are told to end.")
        else:
            messages.warning(request, "It has gone already.")
        return redirect(f"{request.path}?{request.GET.urlencode()}")

    def _show(self, request: HttpRequest, processes: list[ProcessReport]) -> HttpResponse:
        wanted = request.GET.get("q", "").strip()
        connections = [each for each in _connections(processes) if _fits(each, wanted)]
        context = {
            **self.admin_site.each_context(request),
            "title": "Live rooms and connections",
            "opts": self.opts,
            "q": wanted,
            "now": timezone.now(),
            "processes": processes,
            "rooms": [room for room in _rooms(processes) if not wanted or wanted in room.name],
            "connections": connections[:MOST_SHOWN],
            "open": sum(sum(each.counts.values()) for each in processes),
        }
        return TemplateResponse(request, "realtime/live.html", context)


def _connections(processes: list[ProcessReport]) -> list[OpenConnection]:
    """Newest first."""
    found = [connection for process in processes for connection in process.connections]
    return sorted(found, key=lambda each: each.since, reverse=True)


def _fits(connection: OpenConnection, wanted: str) -> bool:
    marks = [connection.username, connection.transport, *connection.rooms]
    exact = [connection.name, connection.user_id, connection.session_id]
    return not wanted or wanted in exact or any(wanted in mark for mark in marks)


def _rooms(processes: list[ProcessReport]) -> list[RoomLine]:
    """The largest first."""
    members: dict[str, list[int]] = {}
    for process in processes:
        for name, count in process.rooms.items():
            members.setdefault(name, []).append(count)
    lines = [
        RoomLine(name=name, members=sum(counts), processes=len(counts))
        for name, counts in members.items()
    ]
    return sorted(lines, key=lambda line: (-line.members, line.name))[:MOST_SHOWN]
