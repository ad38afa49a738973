"""Answers that are kept for a while in Django's cache, and given up when what they tell changes.

What can change has a name (`track:0190...`, `user.updated`), and each name a generation: a random
word. An answer is kept with the generations that were read *before* the work on it began, and
counts only as long as all of them are the present ones. To give up all that depends on a name is
to remove its generation. So an answer that was read before a change and is stored after it is
never found: the generations under which it stands are no more.
"""

import secrets
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache

GENERATION_S = 24 * 3600
TURN_S = 10
"""For so long whoever makes an answer is waited for by others, if he dies meanwhile."""
WAIT_S = 2.0
"""Nobody waits longer for what another makes."""
ASK_EVERY_S = 0.025
MOST_OWED = 10_000


class CacheAwayError(Exception):
    """The cache does not answer; nobody but the cache depends on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the cache has: `value` is None for nothing, `generations` go with what is kept."""

    generations: Sequence[str]
    value: Any


_owed: set[str] = set()
_lock = threading.Lock()


def is_on() -> bool:
    """Whether this installation keeps anything."""
    return bool(settings.REDIS_URL) and settings.CACHE_TTL_S > 0


def look(key: str, *, names: Sequence[str]) -> Look:
    """What is kept under the key and depends on these names. Raises CacheAwayError."""
    if _owed:
        give_up(())
    keys = [_generation(name) for name in names]
    found = cache.get_many([*keys, key])
    missing = [each for each in keys if each not in found]
    if missing:
        for each in missing:
            cache.add(each, secrets.token_hex(8), timeout=GENERATION_S)
        found |= cache.get_many(missing)
    generations = [str(found.get(each, "")) for each in keys]
    kept = found.get(key)
    if not kept or kept[0] != generations:
        return Look(generations=generations, value=None)
    return Look(generations=generations, value=kept[1])


def keep(key: str, value: Any, *, generations: Sequence[str]) -> None:
    """Have `look` find it, for CACHE_TTL_S at most. Raises CacheAwayError."""
    if all(generations):
        cache.set(key, [list(generations), value], timeout=settings.CACHE_TTL_S)


def take_turn(key: str, *, names: Sequence[str], missed: Look) -> Look:
    """After a look that found nothing: whether to make it. Of many that miss at once one is told so
    by what it has given; the others find here what that one has kept, or nothing if it kept
    nothing, or takes too long. Raises CacheAwayError.
    """
    if cache.add(_turn(key, missed), 1, timeout=TURN_S):
        return _unless_made(key, names=names, missed=missed)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        time.sleep(ASK_EVERY_S)
        is_making = bool(cache.get_many([_turn(key, missed)]))  # asked first: it keeps, then ends
        found = look(key, names=names)
        if found.value is not None or found.generations != missed.generations or not is_making:
            return found
    return missed


def _unless_made(key: str, *, names: Sequence[str], missed: Look) -> Look:
    """The turn may be free because another's began and ended after this one's look."""
    found = look(key, names=names)
    if found.value is None:
        return missed
    end_turn(key, missed)
    return found


def end_turn(key: str, look: Look) -> None:
    """What `take_turn` allowed is done, with or without success. Never fails."""
    with suppress(CacheAwayError):
        cache.delete_many([_turn(key, look)])


def give_up(names: Iterable[str]) -> None:
    """Nothing that depends on one of these names is found any more.

    Never fails: what the cache could not be told is told it with the next call.
    """
    if not is_on():
        return
    with _lock:
        _owed.update(names)
        told = list(_owed)
    try:
        cache.delete_many([_generation(name) for name in told])
    except CacheAwayError:
        _forget_some()
    else:
        with _lock:
            _owed.difference_update(told)


def _forget_some() -> None:
    """A cache that is away for long has forgotten them by then, too."""
    with _lock:
        while len(_owed) > MOST_OWED:
            _owed.pop()


def fact_names(fact: str, *, subject: tuple[str, object]) -> Collection[str]:
    """What a fact of this name about this subject gives up."""
    return fact, f"{subject[0]}:{subject[1]}"


def _turn(key: str, look: Look) -> str:
    """Who comes after a change does not wait for what was read before it."""
    return f"turn:{key}:{'.'.join(look.generations)}"


def _generation(name: str) -> str:
    return f"generation:{name}"
