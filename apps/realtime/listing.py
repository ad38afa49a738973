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
from apps.realtime.logs import LogSource, LostError, log_of, named_rooms, read_id, sources
from apps.realtime.types import ANONYMOUS, Viewer
from veza.kit.api.cursors import CursorInvalidError
from veza.kit.api.pagination import CURSOR, read_limit, refuse_ordering, single
from veza.kit.api.requests import absolute_url

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
LOOK_BACK = 10_000
"""Positions that are looked at for the page before: rooms may be quiet, and the log is long."""
UUID7 = 7


def page_of_facts(request: Request) -> dict[str, Any]:
    """The body of the answer. Raises InvalidError, RoomNotFoundError, CursorLostError, and
    UpstreamError where a feed is away.
    """
    limit = read_limit(request, default=DEFAULT_LIMIT, most=MAX_LIMIT)
    refuse_ordering(request)
    if CURSOR in request.query_params:
        raise CursorInvalidError("This list goes on by `after`, not by a cursor.")
    rooms = _rooms(request)
    after = single(request, "after")
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
    request: Request, log: LogSource, rooms: Sequence[str], after: str | None, limit: int
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


def _position_in(log: LogSource, after: str, bounds: LogBounds, rooms: Sequence[str]) -> int:
    message_id = _id(after, bounds)
    found = log.find(message_id, rooms)
    if found is None:
        raise _lost(log.why_lost(message_id, rooms), bounds)
    return found


def _output_of_row(row: dict[str, Any], rooms: Sequence[str]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "rooms"}
    return told | {"room": next(room for room in rooms if room in row["rooms"])}


def _rooms(request: Request) -> tuple[str, ...]:
    """The rooms that are asked for. Raises TooManyRoomsError, RoomNotFoundError."""
    names = named_rooms(single(request, "rooms") or "")
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
    fact_id = _id(after, bounds)
    found = selectors.find_position(fact_id)
    if found is None:
        raise _lost(_why_lost(fact_id, bounds), bounds)
    return found


def _id(after: str, bounds: LogBounds) -> UUID:
    try:
        return read_id(after)
    except LostError as lost:
        raise _lost(lost.reason, bounds) from None


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
