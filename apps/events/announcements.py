"""What a relay tells the web processes after a move: which positions are new, and what they hold.

A hint of bounded size: who misses it, or finds no facts in it, reads the log.
"""

import json
from typing import Any

from apps.events.sessions import Session, row
from apps.events.types import Actor, Envelope, Subject

MAX_ROWS = 64
MAX_BYTES = 64 * 1024

_EPOCH = "SELECT epoch FROM events_epoch"
_HEAD = "SELECT (SELECT epoch FROM events_epoch), events_head()"
_ROWS = """
SELECT (SELECT e.epoch FROM events_epoch e), l.position, l.id, l.type, l.version, l.occurred_at,
       l.aggregatetype, l.aggregateid, l.actor, l.payload, l.rooms, l.request_id
  FROM events_log l WHERE l.position BETWEEN %s AND %s ORDER BY l.position
"""


def announcement(opened: Session, *, first: int, last: int) -> dict[str, Any]:
    """`{"first", "last", "epoch", "rows"}`; `rows` are all the envelopes, or none of them.

    Of many facts, or of large ones, only the positions are told.
    """
    if last - first < MAX_ROWS:
        rows = opened.execute(_ROWS, [first, last]).fetchall()
        if len(rows) == last - first + 1 and _bytes_of(rows) <= MAX_BYTES:
            return {
                "first": first,
                "last": last,
                "epoch": rows[0][0],
                "rows": [_envelope(*row).as_wire() for row in rows],
            }
    found = opened.execute(_EPOCH).fetchone()
    return {"first": first, "last": last, "epoch": found[0] if found else "", "rows": []}


def sign_of_life(opened: Session) -> dict[str, Any]:
    """The announcement of no facts: who has all up to `last` need not look at the log."""
    epoch, head = row(opened, _HEAD)
    return {"first": head + 1, "last": head, "epoch": epoch or "", "rows": []}


def _bytes_of(rows: list[Any]) -> int:
    return sum(len(payload) + sum(map(len, rooms)) for *_, payload, rooms, _ in rows)


def _envelope(  # noqa: PLR0913, PLR0917 - the columns of the statement above
    epoch: str, position: int, fact_id: Any, type_: str, version: int, time: Any,
    subject_type: str, subject_id: str, actor: str | None, payload: str, rooms: list[str],
    request_id: str,
) -> Envelope:  # fmt: skip
    return Envelope(
        id=fact_id,
        type=type_,
        version=version,
        time=time,
        subject=Subject(type=subject_type, id=subject_id),
        actor=Actor(**json.loads(actor)) if actor else None,
        data=json.loads(payload),  # Django leaves JSON as text on its connections
        position=position,
        epoch=epoch,
        rooms=tuple(rooms),
        request_id=request_id,
    )
