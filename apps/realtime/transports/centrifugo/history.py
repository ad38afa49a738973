"""`history`: pages of the facts of a channel, from memory where it reaches, else from the log."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db import close_old_connections

from apps.events.selectors import list_envelopes, log_bounds
from apps.events.types import Envelope
from apps.realtime.followed import FollowedLog
from apps.realtime.follower import fact_message
from apps.realtime.logs import LostError
from apps.realtime.node import Node
from apps.realtime.rooms import FACTS
from apps.realtime.transports.centrifugo.codes import (
    INTERNAL,
    UNRECOVERABLE_POSITION,
    CommandError,
)
from apps.realtime.transports.centrifugo.wire import publication
from apps.realtime.types import Message
from veza.kit.errors import UpstreamError

MAX_PAGE = 300
MAX_PAGE_BYTES = 512 * 1024
"""A page holds less than was asked for rather than more than may wait for a client."""
FIRST_SPAN = 1000
Answer = TypeVar("Answer")


async def read(node: Node, channel: str, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request. Raises CommandError for a position that cannot be gone on from."""
    log = node.log_of(channel)
    since = request.get("since", {})
    if since.get("epoch", "") not in ("", log.head.epoch):
        raise CommandError(UNRECOVERABLE_POSITION)
    limit = min(max(request.get("limit", 0), 0), MAX_PAGE)
    found: list[Message] = []
    try:
        if limit and request.get("reverse"):
            before = since.get("offset", 0) or log.head.offset + 1
            found = await _backwards(log, channel, before, limit)
        elif limit:
            found = await _forwards(log, channel, since.get("offset", 0), limit)
    except UpstreamError:
        raise CommandError(INTERNAL) from None
    reply: dict[str, Any] = {"epoch": log.head.epoch, "offset": log.head.offset}
    if found:
        reply["publications"] = _that_fit(publication(channel, message) for message in found)
    return reply


def _that_fit(publications: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of them, at least one."""
    fitting: list[dict[str, Any]] = []
    size = 0
    for each in publications:
        size += len(each["data"])
        if fitting and size > MAX_PAGE_BYTES:
            break
        fitting.append(each)
    return fitting


async def _forwards(log: FollowedLog, channel: str, after: int, limit: int) -> list[Message]:
    """The oldest messages after a position; after 0, the oldest that there are."""
    through = log.head.offset
    held = _held(log, channel, after)
    if held is not None:
        return held[:limit]
    if log.name != FACTS:
        return (await _in_thread(lambda: _of_feed(log, channel, after, through)))[:limit]
    return await _in_thread(lambda: _read_forwards(channel, after, through, limit))


async def _backwards(log: FollowedLog, channel: str, before: int, limit: int) -> list[Message]:
    """The newest messages below a position, newest first."""
    through = min(before - 1, log.head.offset)
    held = _held(log, channel, log.window.floor) or []
    found = [message for message in held if (message.position or 0) <= through][-limit:]
    if len(found) < limit and log.window.floor:
        if log.name != FACTS:
            found = (await _in_thread(lambda: _of_feed(log, channel, 0, through)))[-limit:]
        else:
            found = await _in_thread(lambda: _read_backwards(channel, through, limit))
    return found[::-1]


def _held(log: FollowedLog, channel: str, after: int) -> list[Message] | None:
    return log.window.since([channel], after, log.head.offset)


def _of_feed(log: FollowedLog, channel: str, after: int, through: int) -> list[Message]:
    """All that a feed keeps of the channel, which is not much."""
    try:
        rows = log.source.in_rooms(
            [channel], after=after, through=through, limit=through, epoch=log.head.epoch
        )
    except LostError:
        raise CommandError(UNRECOVERABLE_POSITION) from None
    return [fact_message(row) for row in rows]


def _read_forwards(channel: str, after: int, through: int, limit: int) -> list[Message]:
    found = list_envelopes(after=after, through=through, rooms=[channel], limit=limit)
    if after and log_bounds().oldest > after + 1:
        raise CommandError(UNRECOVERABLE_POSITION)
    return _messages(found)


def _read_backwards(channel: str, through: int, limit: int) -> list[Message]:
    """Looks at longer and longer stretches of the log, from the end."""
    oldest = log_bounds().oldest
    span = FIRST_SPAN
    found: list[Envelope] = []
    while len(found) < limit and through >= oldest:
        page = list_envelopes(
            after=max(through - span, 0), through=through, rooms=[channel], limit=span
        )
        found = page[-(limit - len(found)) :] + found
        through, span = through - span, min(span * 4, 10_000)
    return _messages(found)


def _messages(found: list[Envelope]) -> list[Message]:
    return [fact_message(envelope.as_wire()) for envelope in found]


async def _in_thread(read: Callable[[], Answer]) -> Answer:
    return await asyncio.to_thread(_with_database, read)


def _with_database(read: Callable[[], Answer]) -> Answer:
    close_old_connections()
    try:
        return read()
    finally:
        close_old_connections()
