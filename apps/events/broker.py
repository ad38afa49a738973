"""The queues, as the dispatcher sees them: RabbitMQ with confirms, or Redis."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from kombu import Connection, Queue

from apps.events import handling
from apps.events.errors import BrokerError

CONNECT_TIMEOUT_S = 3
CONFIRM_TIMEOUT_S = 10
HARD_LIMIT_AFTER_S = 10
DEAD_AT_ONCE = 100
DELIVER = "events.deliver"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One delivery that is to be sent."""

    id: int
    event_id: UUID
    handler: str
    queue: str


@dataclass(frozen=True, kw_only=True)
class DeadMessage:
    """A message that RabbitMQ has given up. `reason` is its own word, `delivery_limit` say."""

    task: str
    content: dict[str, Any]
    reason: str
    queue: str
    tries: int


class Broker:
    """One connection, opened when it is needed. Every failure is a BrokerError and closes it."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._confirms: _Confirms | None = None
        self._declared: set[str] = set()

    def send(self, orders: Sequence[Order]) -> list[Order]:
        """Returns when the broker has said of each whether it has taken it, with those that it
        has refused (their queue is full). Of those before a failure it may have taken any.
        """
        with self._open() as connection:
            for name in {order.queue for order in orders} - self._declared:
                _queue(name).bind(connection.default_channel).declare()
                self._declared.add(name)
            producer: Any = current_app.amqp.Producer(connection, auto_declare=False)
            if not settings.AMQP_URL:
                with producer.batch():
                    for order in orders:
                        _send(order, producer)
                return []
            if self._confirms is None:
                self._confirms = _Confirms(connection.default_channel)
            for order in orders:
                _send(order, producer)
                self._confirms.expect(order)
            return self._confirms.wait(connection)

    def depth(self, queue: str) -> int:
        """How many messages wait in the queue for a worker."""
        with self._open() as connection, connection.channel() as channel:
            try:
                found: Any = _queue(queue).bind(channel).queue_declare(passive=True)
            except connection.channel_errors:
                return 0  # there is none, or an empty one, which Redis forgets
            return int(found.message_count)

    def dead_messages(self) -> Iterator[DeadMessage]:
        """What RabbitMQ has given up; each is removed there once the caller asks for the next."""
        if not settings.AMQP_URL:
            return
        with self._open() as connection, connection.channel() as channel:
            dead = Queue(settings.DEAD_LETTER_QUEUE).bind(channel)
            for _ in range(DEAD_AT_ONCE):
                try:
                    message = dead.get()
                except connection.channel_errors:
                    return  # no worker has made it yet
                if message is None:
                    return
                yield _dead_message(message)
                message.ack()

    def close(self) -> None:
        """Forget the connection, without waiting for a broker that may hang."""
        connection, self._connection = self._connection, None
        self._confirms = None
        self._declared.clear()
        if connection is not None:
            connection.collect(socket_timeout=0.2)

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        try:
            if self._connection is None:
                self._connection = _connection()
            yield self._connection
        except GeneratorExit:
            raise
        except Exception as fault:
            self.close()
            raise BrokerError(str(fault) or type(fault).__name__) from fault


class _Confirms:
    """RabbitMQ's word on each message of one channel. Waiting for it after each message, as
    kombu does by itself, costs a round trip and a write to the disk each.
    """

    def __init__(self, channel: Any) -> None:
        self._number = 0
        self._open: dict[int, Order] = {}
        self._refused: list[Order] = []
        channel.events["basic_ack"].add(self._taken)
        channel.events["basic_nack"].add(self._not_taken)
        channel.confirm_select()  # from here on the broker numbers what the channel publishes

    def expect(self, order: Order) -> None:
        """It was published, after all that were expected before."""
        self._number += 1
        self._open[self._number] = order

    def wait(self, connection: Connection) -> list[Order]:
        """Until there is a word on everything; what was refused. Raises TimeoutError."""
        deadline = time.monotonic() + CONFIRM_TIMEOUT_S
        while self._open:
            connection.drain_events(timeout=max(0.001, deadline - time.monotonic()))
        refused, self._refused = self._refused, []
        return refused

    def _taken(self, number: int, is_multiple: bool) -> None:
        self._close(number, is_multiple=is_multiple)

    def _not_taken(self, number: int, is_multiple: bool) -> None:
        self._refused += self._close(number, is_multiple=is_multiple)

    def _close(self, number: int, *, is_multiple: bool) -> list[Order]:
        numbers = [each for each in self._open if each <= number] if is_multiple else [number]
        return [self._open.pop(each) for each in numbers]


def _connection() -> Connection:
    options = {"socket_timeout": CONFIRM_TIMEOUT_S, "socket_connect_timeout": CONNECT_TIMEOUT_S}
    limits = {
        "read_timeout": CONFIRM_TIMEOUT_S,
        "write_timeout": CONFIRM_TIMEOUT_S,
        "confirm_publish": False,  # kombu would wait after each message
    }
    connection: Connection = current_app.connection_for_write(
        connect_timeout=CONNECT_TIMEOUT_S,
        transport_options=limits if settings.AMQP_URL else options,
    )
    try:
        connection.connect()
    except Exception:
        connection.collect(socket_timeout=0.2)
        raise
    return connection


def _queue(name: str) -> Queue:
    queue: Queue = current_app.amqp.queues[name]
    return queue


def _send(order: Order, producer: Any) -> None:
    handler = handling.find(order.handler)
    timeout_s = handler.timeout_s if handler else handling.DEFAULT_TIMEOUT_S
    current_app.send_task(
        DELIVER,
        kwargs={"event_id": str(order.event_id), "handler": order.handler},
        # By the queue's own name: no binding has to be there, a Redis that was emptied has none.
        exchange="",
        routing_key=order.queue,
        declare=[],
        producer=producer,
        retry=False,
        ignore_result=True,  # else the result store is asked for its news with every message
        soft_time_limit=timeout_s,
        time_limit=timeout_s + HARD_LIMIT_AFTER_S,
    )


def _dead_message(message: Any) -> DeadMessage:
    deaths = message.headers.get("x-death") or [{}]
    return DeadMessage(
        task=str(message.headers.get("task", "")),
        content=_content(message.body),
        reason=str(deaths[0].get("reason", "unknown")),
        queue=str(deaths[0].get("queue", "")),
        tries=int(message.headers.get("x-delivery-count") or 0),
    )


def _content(body: Any) -> dict[str, Any]:
    """A task's arguments; of what is no task of ours, the text."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        args, kwargs, _ = json.loads(text)
    except (ValueError, TypeError):
        return {"text": text[:10_000]}
    return {"args": args, "kwargs": kwargs}
