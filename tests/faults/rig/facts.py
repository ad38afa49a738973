"""How facts of the rig look, and how they are read again from the log and by clients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from apps.events.types import Fact
from tests.faults.rig.history import Seen
from tests.faults.rig.system import System

ROOM = "metrics"
OF_PUBLISHERS = 1_000_000
"""Attempts of publisher N have the numbers from (N + 1) times this on; the API's are below."""


@dataclass(frozen=True, kw_only=True)
class Stepped(Fact):
    """What the publishers say: `version` is the subject's, counted in the same transaction."""

    name: ClassVar[str] = "rig.stepped"
    about: ClassVar[str] = "A subject of the fault rig has made a step."
    rooms: ClassVar[tuple[str, ...]] = (ROOM,)
    example: ClassVar = {"op": 1, "step": 1, "subject": "1", "filler": ""}

    op: int
    subject: str
    step: int
    filler: str = ""


def seen(*, fact: str, kind: str, data: Mapping[str, Any], position: int | None) -> Seen:
    """A fact of the rig, or a reading made through the API; `op` is None for any other."""
    if kind == Stepped.name:
        return Seen(
            fact=fact, position=position, op=data["op"], subject=data["subject"],
            version=data["step"],
        )  # fmt: skip
    if kind == "metric_reading_created":
        return Seen(fact=fact, position=position, op=int(data["value"]), subject=data["metric_id"])
    return Seen(fact=fact, position=position)


def logged(system: System, *, after: int) -> list[Seen]:
    """The facts after a position, in their order."""
    rows = system.query(
        "SELECT position, id, type, payload FROM events_log WHERE position > %s ORDER BY position",
        after,
    )
    return [
        seen(fact=str(fact), kind=kind, data=payload, position=position)
        for position, fact, kind, payload in rows
    ]
