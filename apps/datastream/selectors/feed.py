"""The feed of rounds as realtime follows it."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from apps.events.types import LogBounds
from apps.realtime.logs import LostError, LostReason
from veza.integrations.projection import FeedRow, RoomRows, projection

Row = dict[str, Any]


class RoundFeed:
    """A LogSource: blocking reads, which raise ProjectionUnavailableError."""

    waits = True
    replays = True

    def bounds(self) -> LogBounds:
        epoch, oldest, head = projection().bounds()
        return LogBounds(epoch=epoch, oldest=oldest, head=head)

    def after(self, position: int, *, limit: int, wait_s: float) -> Sequence[Row]:
        return [
            _row(each) for each in projection().feed_after(position, limit=limit, wait_s=wait_s)
        ]

    def in_rooms(
        self, rooms: Sequence[str], *, after: int, through: int, limit: int, epoch: str
    ) -> list[Row]:
        found: dict[int, FeedRow] = {}
        for held in _rooms(rooms, after, through):
            if after and held.floor > after:
                raise LostError("expired")
            found |= {each.position: each for each in held.rows}
        if projection().bounds().epoch != epoch:
            raise LostError("epoch")
        return [_row(found[position]) for position in sorted(found)[: limit + 1]]

    def find(self, message_id: UUID, rooms: Sequence[str]) -> int | None:
        found = (projection().find(room, str(message_id)) for room in rooms)
        return next((position for position in found if position is not None), None)

    def why_lost(self, message_id: UUID, rooms: Sequence[str]) -> LostReason:
        """Older than all that a full room keeps, or never there."""
        for held in _rooms(rooms, 0, projection().bounds().head):
            if held.floor and held.rows and message_id.int < UUID(_row(held.rows[0])["id"]).int:
                return "expired"
        return "unknown"


def _rooms(rooms: Sequence[str], after: int, through: int) -> list[RoomRows]:
    return [projection().room_after(room, after, through=through) for room in rooms]


def _row(each: FeedRow) -> Row:
    envelope: Row = json.loads(each.envelope)
    return envelope | {"rooms": list(each.rooms)}
