"""Who reacts to which facts: whatever `@handles` marks in an app's `handlers.py`."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

from apps.events.errors import HandlerError
from apps.events.types import Envelope, Fact, Retries

Reaction = TypeVar("Reaction", bound=Callable[..., None])

DEFAULT_RETRIES = Retries()
DEFAULT_TIMEOUT_S = 60
WITH_ENVELOPE = 2


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A reaction, and how it is run. `name` is its identity: renamed, it is another handler."""

    name: str
    facts: tuple[type[Fact], ...]
    react: Callable[..., None]
    wants_envelope: bool
    queue: str
    timeout_s: int
    retries: Retries

    def run(self, fact: Fact, envelope: Envelope) -> None:
        """React, inside the caller's transaction."""
        if self.wants_envelope:
            self.react(fact, envelope)
        else:
            self.react(fact)


_handlers: dict[str, Handler] = {}


def handles(
    *facts: type[Fact],
    queue: str = "default",
    timeout_s: int = DEFAULT_TIMEOUT_S,
    retries: Retries = DEFAULT_RETRIES,
) -> Callable[[Reaction], Reaction]:
    """Run the function for each of these facts, after they are committed, in a worker.

    It is called with the fact, and with the envelope if it takes two arguments. Its database
    effect takes place once, because it shares a transaction with the record that it did; any
    other effect may be repeated. It must not count on the order of facts: read the present state.
    When it raises or takes longer than `timeout_s`, it is tried again as `retries` says, then the
    fact becomes a dead letter. A new handler begins with the facts that follow its first start.
    """

    def declare(react: Reaction) -> Reaction:
        handler = Handler(
            name=_name(react), facts=facts, react=react, wants_envelope=_wants_envelope(react),
            queue=queue, timeout_s=timeout_s, retries=retries,
        )  # fmt: skip
        register(handler)
        return react

    return declare


def register(handler: Handler) -> None:
    """Make the handler known. Raises HandlerError when its declaration cannot be right."""
    if not handler.facts:
        raise HandlerError(f"{handler.name}: name the facts that it handles.")
    if handler.queue not in settings.TASK_QUEUES:
        raise HandlerError(f"{handler.name}: no worker takes from {handler.queue!r}.")
    known = _handlers.setdefault(handler.name, handler)
    if known.react is not handler.react:
        raise HandlerError(f"{handler.name} is declared twice; give one of them another name.")


def registered() -> list[Handler]:
    """All handlers, by name."""
    return [_handlers[name] for name in sorted(_handlers)]


def find(name: str) -> Handler | None:
    """The handler of this name, if this process knows it."""
    return _handlers.get(name)


@contextmanager
def only(*handlers: Handler) -> Iterator[None]:
    """Inside the block these handlers are registered, and no others."""
    before = dict(_handlers)
    _handlers.clear()
    try:
        for handler in handlers:
            register(handler)
        yield
    finally:
        _handlers.clear()
        _handlers.update(before)


def _name(react: Callable[..., Any]) -> str:
    """`notifications.tell_owner_track_is_ready`: the app, and the function."""
    parts = react.__module__.split(".")
    return f"{parts[1] if parts[0] == 'apps' else parts[0]}.{react.__name__}"


def _wants_envelope(react: Callable[..., Any]) -> bool:
    taken = len(inspect.signature(react).parameters)
    if taken not in (1, WITH_ENVELOPE):
        raise HandlerError(f"{_name(react)} takes the fact, or the fact and its envelope.")
    return taken == WITH_ENVELOPE
