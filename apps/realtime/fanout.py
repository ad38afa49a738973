"""What is no fact on its way to the other processes, and the relay's hints on their way to us.

Local members are served first and whatever happens. Then the message goes over the channel layer
with the name of its origin, so that a process ignores its own echo. While Redis is away each
process goes on alone, and nothing is kept for later.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from channels.layers import (  # type: ignore[import-untyped]
    InMemoryChannelLayer,
    get_channel_layer,
)

from apps.realtime.ephemera import ephemeral
from apps.realtime.hub import Hub
from apps.realtime.types import Message, to_json
from veza.kit import metrics

logger = logging.getLogger(__name__)

FACTS = "veza.facts"
ROOMS = "veza.rooms"
BATCH = 2_000
BATCH_BYTES = 512 * 1024
MANY_BYTES = 4 * 1024 * 1024
"""Who sends more than others can take is to wait while so much waits."""
MAX_BYTES = 64 * 1024 * 1024
SEND_TIMEOUT_S = 3.0
"""On a busy machine a batch takes long, and what was taken for lost would be."""
ASK_TIMEOUT_S = 1.0
RETRY_S = 1.0
PACE_S = 0.005
"""With little to do, at most one send in this time."""
BEAT_S = 1.0
DEAF_S = 4.0
"""After so long without hearing itself a process listens anew."""
END_S = 1.0

Hint = Callable[[Mapping[str, Any]], None]
Order = Callable[[str, Any], None]
ORDERS = "@"
"""With this begins the name under which processes give orders to one another; no room has it."""


class Outbox:
    """Messages that wait to be sent over the channel layer; bounded, the oldest give way.

    Each is packed when it comes, so that a process knows what is its own echo without unpacking.
    """

    def __init__(self, *, origin: str, layer: Any) -> None:
        self._origin = origin
        self._layer = layer
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self.bytes = 0
        self.is_down = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, room: str, message: Message) -> None:
        """Behind what waits."""
        packed = self._packed(room, message.envelope)
        self._waiting.append(packed)
        self.bytes += len(packed)
        while self.bytes > MAX_BYTES:
            self.bytes -= len(self._waiting.popleft())
            metrics.REALTIME_NOT_SHARED.inc()
        self._wake.set()

    def _packed(self, room: str, envelope: dict[str, Any]) -> bytes:
        item: dict[str, Any] = {"room": room, "envelope": envelope}
        try:
            packed: bytes = self._layer.serialize(item)
        except OverflowError:  # JSON has longer integers than msgpack
            packed = self._layer.serialize({"room": room, "json": to_json(envelope)})
        return packed

    def _next(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._waiting and len(batch) < BATCH and size < BATCH_BYTES:
            batch.append(packed := self._waiting.popleft())
            size += len(packed)
        self.bytes -= size
        return batch

    async def run(self) -> None:
        """Send what comes, many at once, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._wake.wait()
            self._wake.clear()
            batch = self._next()
            if self._waiting:
                self._wake.set()
            await self._send(batch)
            await asyncio.sleep(0 if self._waiting else PACE_S)

    async def _send(self, batch: list[bytes]) -> None:
        message = {"type": ROOMS, "origin": self._origin, "items": batch}
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._layer.group_send(ROOMS, message)
        except Exception as fault:  # whatever the layer raises, local life goes on
            metrics.REALTIME_NOT_SHARED.inc(len(batch) + len(self._waiting))
            self._waiting.clear()
            self.bytes = 0
            if not self.is_down:
                self.is_down = True
                logger.warning("fanout_alone origin=%s fault=%r", self._origin, fault)
            await asyncio.sleep(RETRY_S)
        else:
            if self.is_down:
                self.is_down = False
                logger.warning("fanout_together_again origin=%s", self._origin)


class Fanout:
    """One for each process; called on the loop."""

    def __init__(self, *, hub: Hub, on_hint: Hint, on_order: Order | None = None) -> None:
        self.origin = secrets.token_hex(8)
        self._hub = hub
        self._on_hint = on_hint
        self._on_order = on_order
        self._outbox: Outbox | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._heard_at = 0.0

    @property
    def is_alone(self) -> bool:
        """Whether other processes are out of reach."""
        return self._outbox is None or self._outbox.is_down

    async def start(self) -> None:
        """Begin to listen and to send; what is away is waited for in the background."""
        layer = get_channel_layer()
        if layer is None:
            return
        # We tell of a lost Redis ourselves, once; the layer would at each try, with a traceback.
        logging.getLogger("channels_redis.pubsub").setLevel(logging.CRITICAL)
        self._tasks.append(asyncio.create_task(self._listen(layer)))
        if not isinstance(layer, InMemoryChannelLayer):
            self._outbox = Outbox(origin=self.origin, layer=layer)
            self._tasks.append(asyncio.create_task(self._outbox.run()))

    async def stop(self) -> None:
        """Neither listen nor send any more."""
        await _end(*self._tasks, within_s=3 * END_S)
        self._tasks.clear()
        layer = get_channel_layer()
        if layer is not None and not isinstance(layer, InMemoryChannelLayer):
            with contextlib.suppress(Exception):  # it may be away
                async with asyncio.timeout(ASK_TIMEOUT_S):
                    await layer.flush()

    def send(self, room: str, message: Message) -> None:
        """To the members here at once, to those elsewhere soon."""
        self._hub.publish(room, message)
        if self._outbox is not None:
            self._outbox.put(room, message)

    def order(self, name: str, data: Any) -> None:
        """Have every process do something, this one too; lost where it or Redis is away."""
        if self._on_order is not None:
            self._on_order(name, data)
        if self._outbox is not None:
            self._outbox.put(ORDERS + name, ephemeral(name, data))

    @property
    def waiting(self) -> int:
        """How many messages wait to be sent to the other processes."""
        return len(self._outbox) if self._outbox is not None else 0

    async def has_room(self) -> None:
        """Wait while much waits, so that who sends flat out is slowed and nothing is lost.

        While Redis is away it is lost anyway, and nobody has to wait.
        """
        outbox = self._outbox
        while outbox is not None and outbox.bytes > MANY_BYTES and not outbox.is_down:
            await asyncio.sleep(PACE_S)

    async def _listen(self, layer: Any) -> None:
        while True:
            try:
                async with asyncio.timeout(ASK_TIMEOUT_S):
                    channel = await layer.new_channel()
                    await layer.group_add(ROOMS, channel)
                    await layer.group_add(FACTS, channel)
            except Exception:  # told by who sends
                await asyncio.sleep(RETRY_S)
                continue
            await self._receive(layer, channel)

    async def _receive(self, layer: Any, channel: str) -> None:
        """Until nothing was heard for long, not even ourselves."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        receiving = asyncio.create_task(self._take_all(layer, channel))
        try:
            while not receiving.done():
                await asyncio.wait([receiving], timeout=BEAT_S)
                if self._outbox is not None and loop.time() - self._heard_at > DEAF_S:
                    break
        finally:
            await _end(receiving, within_s=END_S)
        if self._outbox is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(ASK_TIMEOUT_S):
                    await layer.flush()

    async def _take_all(self, layer: Any, channel: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await layer.receive(channel)
            self._heard_at = loop.time()
            try:
                self._take(layer, message)
            except Exception:
                logger.exception("A message of another process makes no sense")

    def _take(self, layer: Any, message: Mapping[str, Any]) -> None:
        if message["type"] == FACTS:
            self._on_hint(message)
        elif message["origin"] != self.origin:
            for packed in message["items"]:
                item = layer.deserialize(packed)
                self._hand_out(item["room"], item.get("envelope") or json.loads(item["json"]))

    def _hand_out(self, room: str, envelope: dict[str, Any]) -> None:
        if not room.startswith(ORDERS):
            self._hub.publish(room, Message(envelope=envelope))
        elif self._on_order is not None:
            self._on_order(envelope["type"], envelope["data"])


async def _end(*tasks: asyncio.Task[None], within_s: float) -> None:
    """Cancel them, and leave them alone if they do not end: cancelled, the layer first tells
    Redis that it listens no more, and waits for as long as Redis hangs.
    """
    ending = asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(2):  # the second time it is that wait which is cancelled
        for task in tasks:
            task.cancel()
        await asyncio.wait([ending], timeout=within_s / 2)


class _Outside:
    """The outbox of a process that has no node: a thread with a loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._outbox: Outbox | None = None
        threading.Thread(target=self._run, name="fanout", daemon=True).start()

    def send(self, room: str, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._put, room, message)

    def _put(self, room: str, message: Message) -> None:
        if self._outbox is not None:
            self._outbox.put(room, message)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._outbox = Outbox(origin=secrets.token_hex(8), layer=get_channel_layer())
        await self._outbox.run()


_outside: tuple[int, _Outside] | None = None
_outside_lock = threading.Lock()


def send_from_outside(room: str, message: Message) -> None:
    """From a worker or a command, which have no members of their own. Never waits."""
    global _outside  # noqa: PLW0603 - one per process
    if get_channel_layer() is None:
        return
    with _outside_lock:
        if _outside is None or _outside[0] != os.getpid():  # a fork takes no thread along
            _outside = (os.getpid(), _Outside())
    _outside[1].send(room, message)


def order_from_outside(name: str, data: Any) -> None:
    """An order of a process that has no connections of its own."""
    send_from_outside(ORDERS + name, ephemeral(name, data))
