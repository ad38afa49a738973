"""Who in this process wants to see facts go by."""

import logging
from collections.abc import Callable

from apps.realtime.types import Message

logger = logging.getLogger(__name__)

Watcher = Callable[[Message], None]

_watchers: dict[str, list[Watcher]] = {}


def watch_facts(type: str, callback: Watcher) -> None:  # noqa: A002 - the term of the contract
    """Have `callback` called for every message of this type in any log, on the loop, when it has
    been handed out. What a process reads when it begins anew is not shown.
    """
    watching = _watchers.setdefault(type, [])
    if callback not in watching:
        watching.append(callback)


def show(fact: Message) -> None:
    """Call those who watch this type; one that fails harms nobody."""
    for callback in _watchers.get(fact.type, ()):
        try:
            callback(fact)
        except Exception:
            logger.exception("A watcher of %s failed", fact.type)
