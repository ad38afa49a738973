"""From captured changes of rounds to what readers and rooms get. Pure."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from apps.datastream.rules.changes import Change, ChangeError, Row
from apps.datastream.rules.rounds import (
    CORRECTED,
    FINISHED,
    REMOVED,
    Played,
    Told,
    envelope,
    to_json,
    told_of_row,
)
from veza.integrations.projection import Announcement, Effect

UNAVAILABLE = "__debezium_unavailable_value"
_TYPES = {"finished": FINISHED, "corrected": CORRECTED, "removed": REMOVED}


def games_of(change: Change) -> set[str]:
    """The ids of the games that have to be known to project it."""
    rows = (change.before, change.after)
    return {str(row["game_id"]) for row in rows if row and row.get("game_id")}


class Projecting:
    """Changes in their order to effects; counts positions on from `head`."""

    def __init__(self, *, epoch: str, head: int) -> None:
        self.epoch = epoch
        self.head = head
        self.effects: list[Effect] = []
        self._epoch_json = to_json(epoch)

    def add(self, change: Change, games: Mapping[str, Played]) -> None:
        """Raises ChangeError for a row that makes no sense; then nothing of it is added."""
        try:
            planned = _planned(change, games)
        except (KeyError, TypeError, ValueError) as fault:
            raise ChangeError(f"{type(fault).__name__}: {fault}") from None
        for part, (kind, round_, game) in enumerate(planned):
            # two messages of one change differ in their ids: no record begins 8 bytes after another
            own = change if part == 0 else replace(change, lsn=change.lsn + 8 * part)
            self._add(kind, round_, game, own)

    def _add(self, kind: Any, round_: Told, game: Played, change: Change) -> None:
        news = None
        if kind != "known":
            self.head += 1
            message = envelope(_TYPES[kind], change, round_, at=(self.head, self._epoch_json))
            news = Announcement(self.head, message, game.rooms)
        self.effects.append(
            Effect(kind, round_.id, game.slug, game.type, round_.at_ms, round_.document, news)
        )


_Planned = list[tuple[str, Told, Played]]


def _planned(change: Change, games: Mapping[str, Played]) -> _Planned:
    """What happens to which round. One that went to another game, or has another number now,
    leaves its first place.
    """
    before, after = change.before, change.after
    if change.op == "d":
        return [("removed", *_round(before, games))]
    if change.op != "u":
        return [("known" if change.op == "r" else "finished", *_round(after, games))]
    whole = _whole(before, after)
    if before and any(before.get(name) not in (None, whole[name]) for name in ("id", "game_id")):
        return [("removed", *_round(before, games)), ("corrected", *_round(whole, games))]
    return [("corrected", *_round(whole, games))]


def _round(row: Row | None, games: Mapping[str, Played]) -> tuple[Told, Played]:
    if row is None:
        raise ValueError("the row is missing")
    game = games[str(row["game_id"])]
    return told_of_row(row, game), game


def _whole(before: Row | None, after: Row | None) -> dict[str, Any]:
    """Large values that the change left as they were stand in the row before it only."""
    return {
        name: (before or {}).get(name, value) if value == UNAVAILABLE else value
        for name, value in (after or {}).items()
    }
