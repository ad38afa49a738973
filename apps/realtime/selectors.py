"""What goes on in realtime, over all processes; for operators, and for counts that people see."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.realtime import rooms
from apps.realtime.census import REPORTS
from apps.realtime.errors import WebTransportUnavailableError
from apps.realtime.node import node
from apps.realtime.types import Place, Viewer
from veza.integrations.room_state import room_state
from veza.kit.webtransport import address

MOST_PROCESSES = 200


@dataclass(frozen=True, kw_only=True)
class ProcessReport:
    """One process, as it saw itself at most a few seconds ago. `connections` are the newest 200,
    `rooms` the 200 with the most members.
    """

    name: str
    role: str
    host: str
    pid: int
    at: datetime
    counts: dict[str, int]
    room_count: int
    rooms: dict[str, int]
    deliveries: int
    waiting: int
    connections: list["OpenConnection"]


@dataclass(frozen=True, kw_only=True)
class OpenConnection:
    """A client's connection; `name` ends it by `services.end_connection`."""

    name: str
    process: str
    transport: str
    since: datetime
    user_id: str | None
    username: str
    session_id: str | None
    rooms: list[str]


def list_processes() -> list[ProcessReport]:
    """Those that have reported within the last seconds, by name.

    Raises RoomStateUnavailableError. Without a shared store: this process alone.
    """
    found = room_state().list_values(REPORTS, limit=MOST_PROCESSES)
    return [_report(json.loads(document)) for document in found.values()]


@dataclass(frozen=True, kw_only=True)
class WebTransportServer:
    """Where WebTransport is spoken. Without `hashes` its certificate is one that browsers trust."""

    url: str
    hashes: list[bytes]


def webtransport_server(*, now: datetime) -> WebTransportServer:
    """The one of this installation. Raises WebTransportUnavailableError."""
    here = address.find(settings.WEBTRANSPORT_FOLDER, now=now)
    if here is None and not settings.WEBTRANSPORT_CERTIFICATE:
        raise WebTransportUnavailableError
    port = settings.WEBTRANSPORT_PORT if here is None else here.port
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    base = settings.WEBTRANSPORT_URL or f"https://{f'[{host}]' if ':' in host else host}:{port}"
    return WebTransportServer(
        url=base.rstrip("/") + address.PATH, hashes=[] if here is None else here.hashes
    )


def may_join(name: str, viewer: Viewer) -> bool:
    """False where the viewer may not join, and where there is no such room. Blocks."""
    return rooms.may_join_now(name, viewer)


def place_in_log(name: str) -> Callable[[float], Place | None]:
    """What tells where this process stands in the log that was registered under this name; None
    when it has not read it to its end for so many seconds. Made and called on the loop of the node.
    """
    return node().logs[name].place


def viewer_counts(names: Iterable[str]) -> dict[str, int]:
    """How many watch each of these rooms over sockets, over all processes: a user counts once,
    an anonymous connection each. The rooms are declared with presence. Blocks; without the store
    those of this process.
    """
    return {room: count.users for room, count in room_state().count(names).items()}


def _report(document: dict[str, Any]) -> ProcessReport:
    return ProcessReport(
        name=document["process"],
        role=document.get("role", ""),
        host=document["host"],
        pid=document["pid"],
        at=_time(document["at"]),
        counts=document["counts"],
        room_count=document["room_count"],
        rooms=document["rooms"],
        deliveries=document["deliveries"],
        waiting=document["waiting"],
        connections=[
            OpenConnection(**each | {"since": _time(each["since"]), "process": document["process"]})
            for each in document["connections"]
        ],
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
