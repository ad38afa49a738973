"""Facts of rooms as a list, for clients that would rather ask: pages, their links, lost places."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.request import Request

from apps.events import selectors
from apps.events.types import Envelope, LogBounds
from apps.realtime import rooms as room_rules
from apps.realtime.errors import CursorLostError, RoomNotFoundError
from apps.realtime.logs import LogSource, LostError, log_of, sources
from apps.realtime.types import ANONYMOUS, Viewer
from veza.kit.api.requests import absolute_url
from veza.kit.errors import FieldError, InvalidError

DEFAULT_ROOMS = "public,metrics"
MAX_ROOMS = 128
DEFAULT_LIMIT = 20
MAX_LIMIT = 100
LOOK_BACK = 10_000
"""Positions that are looked at for the page before: rooms may be quiet, and the log is long."""
UUID7 = 7


def page_of_facts(request: Request) -> dict[str, Any]:
    """The body of the answer. Raises InvalidError, RoomNotFoundError, CursorLostError, and
    UpstreamError where a feed is away.
    """
    limit = _limit(_single(request, "limit"))
    rooms = _rooms(request)
    after = _single(request, "after")
    log = log_of(rooms)
    if log != room_rules.FACTS:
        return _page_of_feed(request, sources()[log], rooms, after, limit)
    bounds = selectors.log_bounds()
    start = bounds.oldest - 1 if after is None else _position(after, bounds)
    page = selectors.list_envelopes(after=start, through=bounds.head, rooms=rooms, limit=limit + 1)
    has_more, page = len(page) > limit, page[:limit]
    return {
        "results": [_output(envelope, rooms) for envelope in page],
        "next": _link(request, after=page[-1].id) if has_more else None,
        "previous": _previous(request, rooms, start, limit) if after else None,
        "cursor": str(page[-1].id) if has_more else _newest_id(bounds) or after,
    }


def _page_of_feed(
    request: Request, log: LogSource, rooms: list[str], after: str | None, limit: int
) -> dict[str, Any]:
    """What a feed keeps of the rooms is not much: it is read whole."""
    bounds = log.bounds()
    start = 0 if after is None else _position_in(log, after, bounds, rooms)
    try:
        held = log.in_rooms(
            rooms, after=start, through=bounds.head, limit=bounds.head, epoch=bounds.epoch
        )
    except LostError as lost:
        raise _lost(lost.reason, bounds) from None
    page = held[:limit]
    has_more = len(held) > limit
    newest = str(page[-1]["id"]) if page else after
    return {
        "results": [_output_of_row(row, rooms) for row in page],
        "next": _link(request, after=UUID(newest)) if has_more and newest else None,
        "previous": None,
        "cursor": newest,
    }


def _position_in(log: LogSource, after: str, bounds: LogBounds, rooms: list[str]) -> int:
    try:
        message_id = UUID(after)
    except ValueError:
        raise _lost("invalid", bounds) from None
    found = log.find(message_id, rooms)
    if found is None:
        raise _lost(log.why_lost(message_id, rooms), bounds)
    return found


def _output_of_row(row: dict[str, Any], rooms: Sequence[str]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "rooms"}
    return told | {"room": next(room for room in rooms if room in row["rooms"])}


def _single(request: Request, name: str) -> str | None:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise _invalid(name, "Give this parameter once.")
    return values[0] if values else None


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_LIMIT))):
        raise _invalid("limit", f"Use a whole number from 1 to {MAX_LIMIT}.")
    if not 1 <= int(text) <= MAX_LIMIT:
        raise _invalid("limit", f"Use a whole number from 1 to {MAX_LIMIT}.")
    return int(text)


def _rooms(request: Request) -> list[str]:
    """The rooms that are asked for, each once. Raises RoomNotFoundError."""
    text = _single(request, "rooms") or DEFAULT_ROOMS
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names or len(names) > MAX_ROOMS:
        raise _invalid("rooms", f"Name 1 to {MAX_ROOMS} rooms.")
    viewer = _viewer(request)
    for name in names:
        if not room_rules.may_join_now(name, viewer):
            raise RoomNotFoundError(room=name)
    return names


def _viewer(request: Request) -> Viewer:
    if request.auth is None:
        return ANONYMOUS
    token = request.META["HTTP_AUTHORIZATION"].partition(" ")[2].strip()
    viewer: Viewer = import_string(settings.REALTIME_AUTHENTICATOR)(token)
    return viewer


def _position(after: str, bounds: LogBounds) -> int:
    """Raises CursorLostError when this fact is not in the log."""
    try:
        fact_id = UUID(after)
    except ValueError:
        raise _lost("invalid", bounds) from None
    found = selectors.find_position(fact_id)
    if found is None:
        raise _lost(_why_lost(fact_id, bounds), bounds)
    return found


def _why_lost(fact_id: UUID, bounds: LogBounds) -> str:
    """An id tells its time, so one from before the log is known as such."""
    oldest = selectors.list_envelopes(after=bounds.oldest - 1, limit=1)
    is_older = fact_id.version == UUID7 and bool(oldest) and fact_id.int < oldest[0].id.int
    return "expired" if is_older and bounds.oldest > 1 else "unknown"


def _lost(reason: str, bounds: LogBounds) -> CursorLostError:
    return CursorLostError(reason=reason, epoch=bounds.epoch, position=bounds.head)


def _output(envelope: Envelope, rooms: Sequence[str]) -> dict[str, Any]:
    return envelope.as_dict(room=next(room for room in rooms if room in envelope.rooms))


def _newest_id(bounds: LogBounds) -> str | None:
    newest = selectors.list_envelopes(after=bounds.head - 1, through=bounds.head, limit=1)
    return str(newest[0].id) if newest else None


def _previous(request: Request, rooms: Sequence[str], start: int, limit: int) -> str | None:
    """The page that ends where this one begins, if there are facts in it not far back."""
    before = selectors.list_newest_envelopes(
        above=start - LOOK_BACK, through=start, rooms=rooms, limit=limit + 1
    )
    if not before:
        return None
    return _link(request, after=before[-1].id if len(before) > limit else None)


def _link(request: Request, *, after: UUID | None) -> str:
    query = request.query_params.copy()
    query.pop("after", None)
    if after is not None:
        query["after"] = str(after)
    text = urlencode(list(query.lists()), doseq=True)
    return absolute_url(request, f"{request.path}?{text}" if text else request.path)


def _invalid(field: str, detail: str) -> InvalidError:
    return InvalidError(detail, fields=[FieldError(field=field, code="invalid", detail=detail)])
