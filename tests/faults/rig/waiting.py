"""Waiting that ends: everything that the rig waits for has a limit and a name."""

import asyncio
import sys
import time
from collections.abc import Callable

TICK_S = 0.02
PATIENCE_S = 120.0
"""For what has to come and is promised no time: also on a machine that others keep busy."""
_began = time.monotonic()


class TooLongError(AssertionError):
    """It did not come true in time."""


def say(text: str) -> None:
    """Progress, shown by `pytest -s` and with every failure."""
    sys.stdout.write(f"[faults {time.monotonic() - _began:7.2f}] {text}\n")
    sys.stdout.flush()


async def until(
    holds: Callable[[], object],
    *,
    what: str | Callable[[], str],
    within_s: float = PATIENCE_S,
) -> float:
    """Wait until it holds; how long that took. Raises TooLongError."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            told = what if isinstance(what, str) else what()
            raise TooLongError(f"not within {within_s:g} s: {told}")
        await asyncio.sleep(TICK_S)
    return time.monotonic() - began


async def until_elsewhere(
    holds: Callable[[], object], *, what: str, within_s: float = PATIENCE_S
) -> float:
    """The same for a question that blocks: it is asked in a thread."""
    began = time.monotonic()
    while not await asyncio.to_thread(holds):
        if time.monotonic() - began > within_s:
            raise TooLongError(f"not within {within_s:g} s: {what}")
        await asyncio.sleep(TICK_S)
    return time.monotonic() - began
