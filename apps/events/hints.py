"""Hints between processes: the outbox has grown, the log has grown. They may be lost.

They travel over the channel layer, from a thread with an event loop of its own: whoever gives a
hint never waits and never fails. After a failure nothing is sent for a while, so a Redis that is
dead or hangs costs nobody anything; polling stands in.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from channels.layers import get_channel_layer  # type: ignore[import-untyped]

logger = structlog.get_logger(__name__)

OUTBOX = "veza.outbox"
FACTS = "veza.facts"
SEND_WITHIN_S = 0.5
PAUSE_S = 1.0
MAX_WAITING = 64
SUBSCRIBE_WITHIN_S = 3.0

# The layer tells each second, with a traceback, what we tell once in a word.
logging.getLogger("channels_redis.pubsub").setLevel(logging.CRITICAL)


class Hints:
    """The sender of one process, and, where `listen` was called, a listener to the outbox."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filled: asyncio.Event
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MAX_WAITING)
        self._outbox_is_waiting = False
        self._silent_until = 0.0
        self._has_told = False

    @property
    def are_heard(self) -> bool:
        """Whether it is worth preparing one: there is a channel layer, and it works."""
        return not self._is_silent() and get_channel_layer() is not None

    def outbox_has_grown(self) -> None:
        """Wake the relays. As long as an earlier hint waits to be sent, it stands for this too."""
        if not self._outbox_is_waiting and not self._is_silent():
            self._outbox_is_waiting = True
            self.send(OUTBOX, {"type": "outbox.grown"})

    def log_has_grown(self, message: dict[str, Any]) -> None:
        """Tell the web processes which positions are new."""
        if not self._is_silent():
            self.send(FACTS, {"type": "veza.facts", **message})

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Hand over to the thread; the oldest that wait give way."""
        self._waiting.append((group, message))
        if loop := self._running_loop():
            with contextlib.suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(self._filled.set)

    def listen(self, callback: Callable[[], None]) -> None:
        """Call back, from the thread, whenever the outbox of any process has grown."""
        if loop := self._running_loop():
            asyncio.run_coroutine_threadsafe(self._listen(callback), loop)

    def _is_silent(self) -> bool:
        return time.monotonic() < self._silent_until

    def _running_loop(self) -> asyncio.AbstractEventLoop | None:
        """Of the thread, which begins when it is first needed; None without a channel layer."""
        if self._loop is not None:
            return self._loop
        with self._lock:
            if self._loop is None and get_channel_layer() is not None:
                started = threading.Event()
                threading.Thread(
                    target=self._run, args=(started,), name="veza-hints", daemon=True
                ).start()
                started.wait()
        return self._loop

    def _run(self, started: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        self._filled = asyncio.Event()
        self._loop = loop
        started.set()
        loop.run_until_complete(self._send_forever())

    async def _send_forever(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                group, message = self._waiting.popleft()
                if group == OUTBOX:
                    self._outbox_is_waiting = False
                await self._try_to_send(group, message)

    async def _try_to_send(self, group: str, message: dict[str, Any]) -> None:
        if self._is_silent():
            return
        layer = get_channel_layer()
        try:
            await asyncio.wait_for(layer.group_send(group, message), SEND_WITHIN_S)
        except Exception as fault:
            self._silent_until = time.monotonic() + PAUSE_S
            if not self._has_told:
                logger.warning("hints_are_lost", fault=str(fault) or type(fault).__name__)
            self._has_told = True
        else:
            self._has_told = False

    async def _listen(self, callback: Callable[[], None]) -> None:
        layer = get_channel_layer()
        while True:
            try:
                async with asyncio.timeout(SUBSCRIBE_WITHIN_S):
                    channel = await layer.new_channel()
                    await layer.group_add(OUTBOX, channel)
                while True:
                    await layer.receive(channel)
                    callback()
            except Exception:
                await asyncio.sleep(PAUSE_S)


_hints: Hints | None = None


def hints() -> Hints:
    """The one of this process; a process that was forked makes its own."""
    global _hints  # noqa: PLW0603
    if _hints is None or _hints._pid != os.getpid():  # noqa: SLF001
        _hints = Hints()
    return _hints


def outbox_has_grown() -> None:
    """After a commit. Costs microseconds, never fails, never waits."""
    hints().outbox_has_grown()
