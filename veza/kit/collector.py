"""Python's collector of garbage in processes that live long.

Everybody waits while it looks at everything: a tenth of a second for what the start loads, half a
second for some thousands of connections, again whenever a quarter more have come. So what has
lived through a full collection is put where it is not looked at. What dies there is freed when
nobody holds it any more, as always; only what dies in a circle stays, until the rare collection
that looks there too.
"""

import gc
from typing import Any

OLDEST = 2
YOUNGER_BEFORE_FULL = 4
"""So many collections of what is younger come before a full one. CPython waits for ten, since to
it a full one is dear.
"""
MANY = 10_000
"""Fewer that have lived through a full collection are cheap, and may soon go, as requests do."""
PUT_AWAY_BEFORE_ALL = 5_000_000
"""When so many were put away, what has died in circles among them is looked for."""


class _PuttingAway:
    """Called by the collector before and after each of its rounds (`gc.callbacks`)."""

    def __init__(self) -> None:
        self._put_away = 0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] < OLDEST:
            return
        if phase == "start":
            if self._put_away >= PUT_AWAY_BEFORE_ALL:
                self._put_away = -gc.get_freeze_count()  # what comes back does not count again
                gc.unfreeze()
            return
        survivors = len(gc.get_objects(generation=OLDEST))
        if survivors >= MANY:
            self._put_away += survivors
            gc.freeze()


_putting_away = _PuttingAway()


def begin() -> None:
    """Call it when the apps are loaded. While they were, manage.py had it off; it never looks at
    them, not even when the process ends. A third of the time that a short command takes.
    """
    gc.freeze()
    gc.enable()


def spare_what_is_loaded() -> None:
    """Call it when a process is ready: from now on the collector looks at what is new alone. A
    repeat is harmless.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # or it would wait until a quarter as much has come as there was
    youngest, younger, _ = gc.get_threshold()
    gc.set_threshold(youngest, younger, YOUNGER_BEFORE_FULL)
    if _putting_away not in gc.callbacks:
        gc.callbacks.append(_putting_away)
