"""The projector: captured rounds to last values, histories, and the feed of the rooms.

A batch is applied in one step with the place up to which the stream was read, so each change
counts once whatever is killed; of two projectors one is always too late, and looks again.
"""

import contextlib
import time
from collections.abc import Iterable, Sequence

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections

from apps.datastream.models import Game
from apps.datastream.rules import changes
from apps.datastream.rules.changes import Change, ChangeError, Emptied, NewEpoch, Whole
from apps.datastream.rules.projecting import Projecting, games_of
from apps.datastream.rules.rounds import Played
from apps.events.capture.tables import topic_of
from veza.integrations.change_stream import (
    FIRST,
    ChangeStream,
    ChangeStreamUnavailableError,
    Read,
    change_stream,
)
from veza.integrations.projection import (
    Batch,
    Projection,
    ProjectionOvertakenError,
    ProjectionUnavailableError,
    State,
    Turn,
    projection,
)

logger = structlog.get_logger(__name__)

TOPIC = topic_of("datastream_round")
BATCH = 500
WAIT_S = 0.5
RETRY_S = 0.5
TRIM_EVERY_S = 5.0
GAMES_LIVE_S = 2.0
"""A game that was renamed is told under its old name for no longer."""


_AWAY = (
    ChangeStreamUnavailableError, ProjectionUnavailableError, DatabaseError, InterfaceError,
)  # fmt: skip


class Games:
    """What is known of games, asked of PostgreSQL when it is not known or old. One that was deleted
    is remembered: its rounds go with it.
    """

    def __init__(self) -> None:
        self._known: dict[str, Played] = {}
        self._asked_at = 0.0

    def find(self, ids: Iterable[str]) -> dict[str, Played]:
        """Those that there are. Raises DatabaseError."""
        wanted = set(ids)
        is_old = time.monotonic() - self._asked_at > GAMES_LIVE_S
        missing = (
            (wanted | self._known.keys()) if wanted and is_old else wanted - self._known.keys()
        )
        if missing:
            self._asked_at = time.monotonic() if is_old else self._asked_at
            for game in Game.objects.filter(pk__in=missing):
                self._known[str(game.pk)] = Played(id=game.pk, slug=game.slug, type=game.type)
        return self._known


class Seen:
    """The last change by `sequence`, which rises: Debezium Server may tell changes again. Several
    rows of one COPY have the same place, so those of the last place are remembered.
    """

    def __init__(self, mark: str) -> None:
        place = mark.split(":") if mark else (0, 0)
        self._place = (int(place[0]), int(place[1]))
        self._rows: set[object] = set()

    @property
    def mark(self) -> str:
        """What to begin with in its stead; "" at the very beginning."""
        return "{}:{}".format(*self._place) if any(self._place) else ""

    def copy(self) -> "Seen":
        """For a batch that may fail."""
        other = Seen("")
        other._place, other._rows = self._place, set(self._rows)
        return other

    def is_new(self, change: Change) -> bool:
        """Whether it was not told before; then it is the last."""
        if change.order is None:
            return True
        row = change.after or change.before or {}
        key = (change.op, row.get("id"))
        if change.order > self._place:
            self._place, self._rows = change.order, {key}
            return True
        if change.order < self._place or key in self._rows:
            return False
        self._rows.add(key)
        return True


class Turns:
    """Applies batches one after the other, each while the next is being made: its failure is raised
    by the next call.
    """

    def __init__(self) -> None:
        self._last: tuple[Turn, Seen] | None = None
        self.settled = Seen("")
        """Of the last batch that was applied."""

    def begin(self, turn: Turn, seen: Seen) -> None:
        """The last has been settled. Raises ProjectionUnavailableError."""
        turn.begin()
        self._last = turn, seen

    def settle(self) -> None:
        """Wait for the last. Raises what Turn.settle raises."""
        if self._last is not None:
            (turn, seen), self._last = self._last, None
            turn.settle()
            self.settled = seen

    def forget(self) -> None:
        """Wait for the last, whatever becomes of it."""
        with contextlib.suppress(ProjectionOvertakenError, *_AWAY):
            self.settle()


class Projector:
    """Runs until `stop`; what is away is waited for."""

    def __init__(
        self, *, stream: ChangeStream | None = None, into: Projection | None = None
    ) -> None:
        self._stream = stream or change_stream()
        self._into = into or projection()
        self._games = Games()
        self._state: State | None = None
        self._seen = Seen("")
        self._turns = Turns()
        self._trim_at = 0.0
        self._is_anew = False
        self._stopping = False
        self._told = ""

    def stop(self) -> None:
        """Ask for the end after the present batch; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Project until `stop`."""
        while not self._stopping:
            try:
                self.step(wait_s=WAIT_S)
                self._told = ""
            except (ProjectionOvertakenError, *_AWAY) as fault:
                if not isinstance(fault, ProjectionOvertakenError):
                    self._tell(fault)
                close_old_connections()
                time.sleep(RETRY_S)  # a store that is away, or another's turn, is not asked at once
        self._turns.forget()

    def step(self, *, wait_s: float) -> int:
        """Apply what is there next, or wait for it; how many documents that were. After a failure
        the next step begins at the place that the projection tells.
        """
        try:
            return self._step(wait_s)
        except (ProjectionOvertakenError, *_AWAY):
            self._turns.forget()
            self._state = None
            self._seen = self._turns.settled
            raise

    def _step(self, wait_s: float) -> int:
        state = self._state or self._into.state()
        known = self._place_in(state)
        place = FIRST if self._is_anew else known
        found = self._stream.read(TOPIC, place, limit=BATCH, wait_s=wait_s)
        self._is_anew = not found and self._stream.ends_before(TOPIC, known)
        if not found:
            self._turns.settle()
            self._state = state
            return 0
        is_more = len(found) == BATCH
        for part in _parts(found):
            state = self._apply(state, *part, next_from=found[-1].place if is_more else None)
            self._state = state
        if time.monotonic() >= self._trim_at:
            self._turns.settle()
            self._stream.trim(TOPIC, self._place_in(state))
            self._trim_at = time.monotonic() + TRIM_EVERY_S
        return len(found)

    def _place_in(self, state: State) -> str:
        """Places of another kind of stream, which was used before, say nothing of this one."""
        kind, _, place = state.place.partition(" ")
        return place if kind == type(self._stream).__name__ else FIRST

    def _apply(
        self, state: State, parsed: Sequence[object], place: str, *, next_from: str | None
    ) -> State:
        """One batch, which holds at most one new epoch: at its beginning."""
        first = parsed[0] if parsed else None
        begins = isinstance(first, NewEpoch | Emptied)
        epoch, is_ready, order = state.epoch, state.is_ready, state.order
        if isinstance(first, NewEpoch):
            epoch, is_ready, order = first.epoch, False, ""
        elif isinstance(first, Emptied):
            epoch = f"{state.epoch.partition('.')[0]}.{first.lsn}"
        work = Projecting(epoch=epoch or "0", head=state.head)
        games = self._games.find(_games_in(parsed))
        seen = self._seen.copy() if self._seen.mark == order else Seen(order)
        for each in parsed:
            if isinstance(each, Change) and seen.is_new(each):
                _project(work, each, games)
            elif isinstance(each, Whole):
                is_ready = True
        after = State(
            epoch=work.epoch,
            head=work.head,
            order=seen.mark,
            is_ready=is_ready,
            place=f"{type(self._stream).__name__} {place}",
        )
        batch = Batch(after=state.place, state=after, begins_epoch=begins, effects=work.effects)
        self._take_turn(batch, seen, next_from=next_from)
        self._seen = seen
        return after

    def _take_turn(self, batch: Batch, seen: Seen, *, next_from: str | None) -> None:
        """What comes next is asked for before the store is busy with this."""
        turn = self._into.turn(batch)
        self._turns.settle()
        if next_from is not None:
            self._stream.ask(TOPIC, next_from, limit=BATCH)
        self._turns.begin(turn, seen)
        if next_from is None:
            self._turns.settle()

    def _tell(self, fault: BaseException) -> None:
        line = str(fault.__cause__ or fault)
        if line != self._told:  # not at each try of a long outage
            logger.warning("projector_interrupted", fault=line)
            self._told = line


def _project(work: Projecting, change: Change, games: dict[str, Played]) -> None:
    try:
        work.add(change, games)
    except ChangeError as fault:
        logger.warning("round_not_projected", lsn=change.lsn, fault=str(fault))


def _parts(found: Sequence[Read]) -> Iterable[tuple[list[object], str]]:
    """Documents up to the next that begins an epoch, and the place of the last of them."""
    part: list[object] = []
    place = ""
    for each in found:
        parsed = _parsed(each)
        if part and isinstance(parsed, NewEpoch | Emptied):
            yield part, place
            part = []
        place = each.place
        if parsed is not None:
            part.append(parsed)
    yield part, place


def _parsed(each: Read) -> object:
    try:
        return changes.parse(each.value)
    except ChangeError as fault:
        logger.warning("change_not_understood", place=each.place, fault=str(fault))
        return None


def _games_in(parsed: Sequence[object]) -> set[str]:
    return {game for each in parsed if isinstance(each, Change) for game in games_of(each)}
