"""NATS JetStream: a stream of its own for each topic, whose one subject is the topic.

Entries are published without waiting for one another, each expecting the sequence that the one
before it makes: a failure in the middle fails all that follow, so nothing is ever left out, and of
two that append one is refused. Readers keep their own place; nothing is acknowledged.
"""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import nats
from django.conf import settings
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from veza.integrations.change_stream.port import (
    FIRST,
    ChangeStreamUnavailableError,
    Entry,
    EntryId,
    Read,
    check_end,
)

TIMEOUT_S = 5.0
MAX_ENTRIES = 1_000_000
"""Past this the projector has been away for so long that PostgreSQL may keep the rest."""
ID, EXPECTED = "Veza-Id", "Nats-Expected-Last-Sequence"
HEARTBEAT_S = 0.5
LOOK_EVERY_S = 2.0
"""A subscription that has been silent for so long is compared with the stream."""
Answer = TypeVar("Answer")


class NatsChangeStream:
    """On a connection and an event loop of its own, in a thread of its own."""

    def __init__(self, url: str = "") -> None:
        self._url = url or settings.NATS_URL
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="nats", daemon=True).start()
        self._client: Client | None = None
        self._ends: dict[str, int] = {}
        self._reading: tuple[str, str, Any] | None = None
        self._looked_at = 0.0

    def append(self, topic: str, entries: Sequence[Entry], *, behind: EntryId | None) -> None:
        last = self.last(topic)
        check_end(last, behind)
        new = [each for each in entries if last is None or each.id > last]
        if new:
            self._run(self._append(topic, new))

    def last(self, topic: str) -> EntryId | None:
        message = self._run(self._last(topic))
        name = (message.headers or {}).get(ID) if message else None
        return EntryId.parse(name) if name else None

    def read(self, topic: str, after: str, *, limit: int, wait_s: float) -> list[Read]:
        return self._run(self._read(topic, after, limit, wait_s))

    def ask(self, topic: str, after: str, *, limit: int) -> None:
        """The server sends what there is unasked."""

    def ends_before(self, topic: str, place: str) -> bool:
        """Sequences go on rising when a stream is emptied; they fall only with a lost stream."""
        return place != FIRST and self._run(self._state(topic)).last_seq < int(place)

    def trim(self, topic: str, through: str) -> None:
        self._run(self._purge(topic, seq=int(through)))

    def backlog(self, topic: str) -> int:
        return int(self._run(self._state(topic)).messages)

    def clear(self, topic: str) -> None:
        self._run(self._purge(topic))

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except (NatsError, OSError, TimeoutError) as fault:
            self._ends.clear()
            self._reading = None
            raise ChangeStreamUnavailableError from fault

    async def _js(self, topic: str) -> Any:
        if self._client is None or self._client.is_closed:
            self._client = await asyncio.wait_for(
                nats.connect(self._url, connect_timeout=2, max_reconnect_attempts=-1,
                             reconnect_time_wait=0.2, error_cb=_ignore),
                TIMEOUT_S,
            )  # fmt: skip
        if not self._client.is_connected:
            raise NatsError("the server is away")
        return self._client.jetstream(timeout=TIMEOUT_S)

    async def _state(self, topic: str) -> Any:
        """Of the topic's stream, which is made if there is none."""
        js = await self._js(topic)
        try:
            return (await js.stream_info(_stream(topic))).state
        except NotFoundError:
            config = StreamConfig(
                name=_stream(topic), subjects=[topic], storage=StorageType.FILE,
                max_msgs=MAX_ENTRIES, discard=DiscardPolicy.NEW,
            )  # fmt: skip
            return (await js.add_stream(config)).state

    async def _last(self, topic: str) -> Any:
        await self._state(topic)
        try:
            return await (await self._js(topic)).get_last_msg(_stream(topic), topic)
        except NotFoundError:
            return None

    async def _append(self, topic: str, entries: Sequence[Entry]) -> None:
        end = self._ends.pop(topic, None)
        if end is None:
            end = (await self._state(topic)).last_seq
        await self._js(topic)
        client = self._client
        assert client is not None  # noqa: S101 - `_js` has connected it
        answers = _Answers(len(entries))
        inbox = client.new_inbox()
        subscription = await client.subscribe(f"{inbox}.*", cb=answers.take)
        try:
            for number, each in enumerate(entries):
                headers = {ID: str(each.id), EXPECTED: str(end + number)}
                reply = f"{inbox}.{number}"
                await client.publish(topic, each.value, reply=reply, headers=headers)
            await client.flush(timeout=int(TIMEOUT_S))
            await asyncio.wait_for(answers.complete, TIMEOUT_S)
        finally:
            await subscription.unsubscribe()
        self._ends[topic] = end + len(entries)

    async def _read(self, topic: str, after: str, limit: int, wait_s: float) -> list[Read]:
        subscription = await self._subscription(topic, after)
        found: list[Read] = []
        try:
            message = await subscription.next_msg(timeout=wait_s)
            while True:
                found.append(Read(str(message.metadata.sequence.stream), message.data))
                if len(found) >= limit or not subscription.pending_msgs:
                    break
                message = await subscription.next_msg(timeout=1)
        except (NatsTimeoutError, TimeoutError):
            await self._look(topic, after)
        if found:
            self._reading = (topic, found[-1].place, subscription)
        return found

    async def _subscription(self, topic: str, after: str) -> Any:
        """The one that goes on at this place, or a new one."""
        js = await self._js(topic)
        if self._reading is not None:
            known, place, subscription = self._reading
            if (known, place) == (topic, after):
                return subscription
            self._reading = None
            await subscription.unsubscribe()
        await self._state(topic)
        config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
        if after != FIRST:
            config = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=int(after) + 1
            )
        subscription = await js.subscribe(
            topic, stream=_stream(topic), ordered_consumer=True, config=config,
            idle_heartbeat=HEARTBEAT_S,
        )  # fmt: skip
        self._reading = (topic, after, subscription)
        return subscription

    async def _look(self, topic: str, after: str) -> None:
        """Let go of a subscription that is silent although there is more."""
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        if (await self._state(topic)).last_seq > int(after or 0) and self._reading is not None:
            _, _, subscription = self._reading
            self._reading = None
            await subscription.unsubscribe()

    async def _purge(self, topic: str, seq: int | None = None) -> None:
        await self._state(topic)
        await (await self._js(topic)).purge_stream(_stream(topic), seq=seq)


class _Answers:
    """The server's answers to a batch."""

    def __init__(self, count: int) -> None:
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = count

    async def take(self, message: Msg) -> None:
        answer = json.loads(message.data or b'{"error": "nobody keeps it"}')
        if self.complete.done():
            return
        if "error" in answer:
            self.complete.set_exception(NatsError(str(answer["error"])))
            return
        self._left -= 1
        if not self._left:
            self.complete.set_result(None)


async def _ignore(_: Exception) -> None:
    """What went wrong is told by the call that fails."""


def _stream(topic: str) -> str:
    """Names of streams have no dots."""
    return topic.replace(".", "_")
