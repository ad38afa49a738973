"""What a fact is, and the envelope in which it travels."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, Literal, Self, get_type_hints
from uuid import UUID

from django.db.models import TextChoices

from apps.events.decoding import fields_from


class EventsPermission(TextChoices):
    """What the log lets only some do."""

    READ = "events.read", "See facts, their deliveries and dead letters"
    REDRIVE = "events.redrive", "Send dead letters again, or delete them"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened and that anyone may rely on.

    Subclasses stand in an app's `events.py`, are frozen keyword-only dataclasses, and hold flat
    values: text, numbers, booleans, UUID, datetime, date, Decimal, enums, and tuples of these. A
    payload key that is taken by a class variable is set by metadata:
    `title: str = field(metadata={"key": "name"})`.
    """

    name: ClassVar[str]
    """In the past tense, with a dot: `track.ready`."""
    version: ClassVar[int] = 1
    """Adding a field is free; any other change is the next version, beside the old one."""
    about: ClassVar[str]
    """One sentence for the reference page."""
    rooms: ClassVar[tuple[str, ...]] = ()
    """Where it may be seen, as patterns: `user:{id}`; none keeps it inside the platform."""
    example: ClassVar[Mapping[str, object]] = {}
    """Sample values by field; UUIDs, times and defaults may be left out."""

    def payload(self) -> dict[str, Any]:
        """The fields as JSON values; times are RFC 3339 in UTC ending in `Z`."""
        return {payload_key(f): json_value(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """The fact whose `payload` this was. Raises ValueError or TypeError when it cannot be."""
        keys = {f.name: payload_key(f) for f in fields(cls)}
        return cls(**fields_from(payload, keys=keys, types=get_type_hints(cls)))


def payload_key(field: "Field[Any]") -> str:
    """The key under which the field stands in the payload."""
    return str(field.metadata.get("key", field.name))


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a fact is about: the kind of aggregate and its id."""

    type: str
    id: str | UUID


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who caused a fact."""

    type: Literal["user", "system", "program"]
    id: str | UUID


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A fact as the log holds it. `position` is dense and rising within one `epoch`."""

    id: UUID
    type: str
    version: int
    time: datetime
    subject: Subject
    actor: Actor | None
    data: Mapping[str, Any]
    position: int
    epoch: str
    rooms: Sequence[str]
    request_id: str

    def as_dict(self, *, room: str | None = None) -> dict[str, Any]:
        """What a client gets; `room` is the one by which it reached this client."""
        return {
            "id": str(self.id),
            "type": self.type,
            "version": self.version,
            "time": json_value(self.time),
            "subject": {"type": self.subject.type, "id": str(self.subject.id)},
            "actor": actor_dict(self.actor),
            "data": dict(self.data),
            "position": self.position,
            "epoch": self.epoch,
            "room": room,
        }

    def as_wire(self) -> dict[str, Any]:
        """Between our own processes: all that `from_wire` needs, in JSON's types alone."""
        wire = self.as_dict()
        del wire["room"]
        return wire | {"rooms": list(self.rooms), "request_id": self.request_id}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What `as_wire` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        actor = wire["actor"]
        parsed = {
            "id": UUID(wire["id"]),
            "time": datetime.fromisoformat(wire["time"]),
            "subject": Subject(**wire["subject"]),
            "actor": Actor(**actor) if actor else None,
            "rooms": tuple(wire["rooms"]),
        }
        return cls(**{f.name: wire[f.name] for f in fields(cls)} | parsed)


def actor_dict(actor: Actor | None) -> dict[str, str] | None:
    """The actor as JSON holds it."""
    return {"type": actor.type, "id": str(actor.id)} if actor else None


@dataclass(frozen=True, kw_only=True)
class RelayStatus:
    """How the move from outbox to log is doing."""

    state: Literal["up", "degraded", "down"]
    oldest_unsent_s: float
    """Age of the oldest committed fact that is not in the log yet; 0 when there is none."""
    lag_s: float
    """The longest that a fact waited for the log, among those of the last second."""
    detail: str


@dataclass(frozen=True, kw_only=True)
class CaptureStatus:
    """How change capture is doing."""

    state: Literal["up", "degraded", "down", "off"]
    detail: str
    slot: str
    wal_status: str
    """PostgreSQL's word: `reserved`, `extended`, `unreserved` or `lost`; "" without a slot."""
    active_pid: int | None
    """The server's process that serves the reader; None: nobody reads."""
    confirmed: str
    """Up to where PostgreSQL may forget."""
    lag_bytes: int
    """What it keeps for the slot: the reader confirms with some seconds' delay."""
    lag_s: float
    """How long the newest that was confirmed had been in PostgreSQL's log; 0 when all was."""
    safe_bytes: int | None
    """What may still be written before the slot is lost; None: no limit."""
    unreadable: str = ""
    """The change before which it stands, because it cannot be decoded, and why."""
    skipped: int = 0
    """How many changes operators have had skipped, ever."""


@dataclass(frozen=True, kw_only=True)
class DispatchStatus:
    """How the delivery of facts to handlers is doing."""

    lag_s: float
    """How long the oldest delivery that is due has waited to be sent to the broker; 0 if none."""
    outstanding: int
    """Deliveries that are neither done nor given up, counted up to a limit."""
    dead_letters: Mapping[str, int]
    """What was given up and not sent again since, by queue."""


@dataclass(frozen=True, kw_only=True)
class LogBounds:
    """What the log holds: `oldest` is the first position that can be read; `head` the last."""

    epoch: str
    oldest: int
    head: int


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a handler is tried, and how long it is waited before each further try."""

    tries: int = 5
    first_s: float = 2.0
    factor: float = 4.0
    longest_s: float = 600.0

    def wait_s(self, *, failed: int, chance: float, at_least_s: float = 0.0) -> float:
        """After `failed` tries; `chance`, from 0 to 1, spreads it over half to one and a half.

        Never shorter than `at_least_s`, for which a failing system has asked.
        """
        step = min(self.longest_s, self.first_s * self.factor ** (failed - 1))
        return max(at_least_s * (1 + chance / 10), step * (0.5 + chance))


def json_value(value: object) -> Any:
    """One flat value as JSON holds it. Raises ValueError for what JSON cannot say."""
    for kind, encode in _ENCODERS:
        if isinstance(value, kind):
            return encode(value)
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"A fact carries flat values, and {type(value).__name__} is none.")


def _time(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("A time in a fact needs a time zone; use django.utils.timezone.now().")
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number in JSON; leave the value out or use None.")
    return value


def _items(values: Iterable[object]) -> list[Any]:
    return [json_value(value) for value in values]


_ENCODERS: list[tuple[type, Callable[[Any], Any]]] = [
    (Enum, lambda value: value.value),
    (datetime, _time),  # before date, which it is too
    (date, date.isoformat),
    (UUID, str),
    (Decimal, lambda value: format(value, "f")),
    (float, _number),
    (tuple, _items),
]
