"""Threads that run calls one after the other, in the order in which they were submitted."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

logger = logging.getLogger(__name__)

Call = Callable[[], None]


class ThreadPool:
    """`size` threads. They are daemons, so a call that hangs cannot keep the process from ending
    (those of `ThreadPoolExecutor` can), and nothing is made for a result that nobody reads.
    """

    def __init__(self, *, size: int, name: str) -> None:
        self._calls: SimpleQueue[tuple[contextvars.Context, Call] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(1, size + 1)
        ]
        self._is_started = False

    @property
    def waiting(self) -> int:
        """How many calls no thread has taken yet."""
        return self._calls.qsize()

    def submit(self, call: Call) -> None:
        """Run `call` in a thread, with the context variables of the caller. Only from one thread.

        The threads start with the first call: a server that forks must not have any before.
        """
        if not self._is_started:
            self._is_started = True
            for thread in self._threads:
                thread.start()
        self._calls.put((contextvars.copy_context(), call))

    def stop(self, *, timeout_s: float) -> bool:
        """Finish what was submitted; False if that took longer than `timeout_s`."""
        if not self._is_started:
            return True
        for _ in self._threads:
            self._calls.put(None)
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            context, call = item
            try:
                _run(call, context)
            except Exception:
                logger.exception("A call in a thread of the pool failed")
            del item, context, call  # keeps no request alive while the thread waits


def _run(call: Call, context: contextvars.Context) -> None:
    """Run `call` with the variables of `context`, within the thread's own context.

    The thread's own, because what Django keeps per thread by asgiref's `Local` (caches with their
    connections, the active language) must last from one request to the next, as under any
    WSGI server. In a context of its own each request would connect to the cache anew.
    """
    tokens = [(variable, variable.set(value)) for variable, value in context.items()]
    try:
        call()
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)
