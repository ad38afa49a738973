"""A question to something that may hang, asked so that the asker never does.

Each probe has at most one thread at a time, however often it is read: an answer that does not
come costs one thread, and a reader waits for it once, no longer than the probe's time limit.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Run(Generic[T]):
    started: float
    done: threading.Event = field(default_factory=threading.Event)
    finished: float = 0.0
    value: T | None = None
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """What a probe said: a value, or the error it raised, or neither when it did not answer."""

    value: T | None = None
    error: BaseException | None = None
    latency_s: float = 0.0

    @property
    def is_missing(self) -> bool:
        """No answer within the time limit."""
        return self.value is None and self.error is None


class Probe(Generic[T]):
    """Asks `ask` in a thread of its own, and keeps the answer for `max_age_s`."""

    def __init__(self, ask: Callable[[], T], *, timeout_s: float, max_age_s: float) -> None:
        self._ask = ask
        self._timeout_s = timeout_s
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._run: _Run[T] | None = None

    def begin(self) -> _Run[T]:
        """Ask, unless the last answer is fresh or still awaited."""
        with self._lock:
            run = self._run
            if run and (not run.done.is_set() or self._is_fresh(run)):
                return run
            self._run = run = _Run(started=time.monotonic())
            threading.Thread(target=self._answer, args=(run,), daemon=True).start()
            return run

    def _is_fresh(self, run: _Run[T]) -> bool:
        return time.monotonic() - run.finished < self._max_age_s

    def _answer(self, run: _Run[T]) -> None:
        try:
            run.value = self._ask()
        except Exception as error:
            run.error = error
        run.finished = time.monotonic()
        run.done.set()

    def read(self) -> Answer[T]:
        """The answer that is fresh, or comes within the time limit since it was asked for."""
        run = self.begin()
        left = run.started + self._timeout_s - time.monotonic()
        if run.done.wait(max(0.0, left)):
            return Answer(value=run.value, error=run.error, latency_s=run.finished - run.started)
        return Answer(latency_s=time.monotonic() - run.started)


def read_all(probes: Mapping[str, Probe[T]]) -> dict[str, Answer[T]]:
    """All answers, asked for at the same time."""
    for probe in probes.values():
        probe.begin()
    return {name: probe.read() for name, probe in probes.items()}
