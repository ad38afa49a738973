"""Every fact that the platform knows: whatever is declared in an app's `events.py`.

Who reacts to them stands in `handling`; apps take `handles` from here.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any, get_type_hints
from uuid import UUID

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from apps.events.errors import FactError, UndeclaredRoomError, UnregisteredFactError
from apps.events.handling import handles
from apps.events.schema import field_schema
from apps.events.types import Fact, payload_key

__all__ = ["handles", "including", "register", "registered", "require"]

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
ROOM = re.compile(r"[a-z-]+(:\{[a-z_]+\})?")
SAMPLES: dict[Any, Callable[[int], object]] = {
    UUID: lambda nth: UUID(int=0x0193_6F2E_8C00_7B5A_9D3E_4F1A_2B3C_4D51 + nth),
    datetime: lambda nth: datetime(2026, 1, 2, 3, 4, 5 + nth, tzinfo=UTC),
    date: lambda nth: date(2026, 1, 2 + nth),
}

_facts: dict[tuple[str, int], type[Fact]] = {}


def discover() -> None:
    """Import `events` and `handlers` of each of our installed apps; register their facts."""
    for config in apps.get_app_configs():
        if not (config.name.startswith("apps.") and config.module):
            continue
        if module_has_submodule(config.module, "events"):
            module = import_module(f"{config.name}.events")
            for _, fact in inspect.getmembers(module, _is_fact):
                register(fact)
        if module_has_submodule(config.module, "handlers"):
            import_module(f"{config.name}.handlers")


def register(fact: type[Fact]) -> None:
    """Make the fact known. Raises FactError when its declaration breaks a rule."""
    _check(fact)
    known = _facts.setdefault((fact.name, fact.version), fact)
    if known is not fact:
        raise FactError(
            f"{label(fact)} is declared by {known.__module__} and by {fact.__module__}; "
            "give one of them another name or the next version."
        )


@contextmanager
def including(*facts: type[Fact]) -> Iterator[None]:
    """These facts count as registered inside the block, and no longer after it."""
    before = dict(_facts)
    try:
        for fact in facts:
            register(fact)
        yield
    finally:
        _facts.clear()
        _facts.update(before)


def registered() -> list[type[Fact]]:
    """All facts, by name and version."""
    return [_facts[key] for key in sorted(_facts)]


def find(name: str, version: int) -> type[Fact] | None:
    """The fact of this name and version, if one is declared."""
    return _facts.get((name, version))


def require(fact: type[Fact], *, rooms: Sequence[str]) -> None:
    """Raise UnregisteredFactError or UndeclaredRoomError unless it may be published there."""
    if _facts.get((fact.name, fact.version)) is not fact:
        raise UnregisteredFactError(
            f"{fact.__qualname__} is not registered; declare it in its app's events.py."
        )
    for room in rooms:
        if not any(_room_pattern(pattern).fullmatch(room) for pattern in fact.rooms):
            raise UndeclaredRoomError(
                f"{label(fact)} goes to the room {room!r}; add its pattern to"
                f" {fact.__qualname__}.rooms."
            )


def label(fact: type[Fact]) -> str:
    """`track.ready@1`: how a fact and its version are written in one word."""
    return f"{fact.name}@{fact.version}"


def schema_of(fact: type[Fact]) -> dict[str, Any]:
    """The payload's schema in JSON Schema 2020-12. Unknown members are allowed: they may come."""
    types = get_type_hints(fact)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": label(fact),
        "description": fact.about,
        "type": "object",
        "properties": {payload_key(f): field_schema(types[f.name]) for f in fields(fact)},
        "required": [payload_key(f) for f in fields(fact)],
    }


def example_of(fact: type[Fact]) -> dict[str, Any]:
    """A payload as clients will see it."""
    return fact(**(_samples(fact) | dict(fact.example))).payload()


def _samples(fact: type[Fact]) -> dict[str, Any]:
    types = get_type_hints(fact)
    return {
        f.name: SAMPLES[types[f.name]](nth)
        for nth, f in enumerate(fields(fact))
        if types[f.name] in SAMPLES
    }


def _is_fact(member: object) -> bool:
    return isinstance(member, type) and issubclass(member, Fact) and member is not Fact


def _room_pattern(pattern: str) -> re.Pattern[str]:
    prefix, _, variable = pattern.partition("{")
    return re.compile(re.escape(prefix) + (".+" if variable else ""))


def _check(fact: type[Fact]) -> None:
    for fault in _faults(fact):
        raise FactError(f"{fact.__module__}.{fact.__qualname__}: {fault}")


def _faults(fact: type[Fact]) -> Iterator[str]:
    if "__dataclass_params__" not in vars(fact):
        yield "decorate it with @dataclass(frozen=True, kw_only=True)."
    if not NAME.fullmatch(getattr(fact, "name", "")):
        yield "give it a name such as `track.ready`."
    if not getattr(fact, "about", ""):
        yield "say in `about`, in one sentence, what happened."
    if wrong := [room for room in fact.rooms if not ROOM.fullmatch(room)]:
        yield f"write rooms as `user:{{id}}` or `public`, not {wrong}."
    yield from _field_faults(fact)


def _field_faults(fact: type[Fact]) -> Iterator[str]:
    own = set(get_type_hints(Fact)) | {"payload"}
    if taken := sorted(own & {f.name for f in fields(fact)}):
        yield f"rename the fields {taken} and set their keys by metadata."
    types = get_type_hints(fact)
    for field in fields(fact):
        try:
            field_schema(types[field.name])
        except ValueError as fault:
            yield f"field {field.name}: {fault}"
    given = _samples(fact).keys() | fact.example.keys()
    if missing := [f.name for f in fields(fact) if _needs_value(f) and f.name not in given]:
        yield f"give sample values for {missing} in `example`."


def _needs_value(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
