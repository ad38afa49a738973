"""The queues, as the dispatcher sees them: RabbitMQ with confirms, or Redis."""

import json
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
        self._declared: set[str] = set()

    def send(self, orders: Sequence[Order]) -> None:
        """Returns when the broker has taken all of them; those before a failure may be taken."""
        with self._open() as connection:
            for name in {order.queue for order in orders} - self._declared:
                _queue(name).bind(connection.default_channel).declare()
                self._declared.add(name)
            producer: Any = current_app.amqp.Producer(connection, auto_declare=False)
            with producer.batch():
                for order in orders:
                    _send(order, producer)

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


def _connection() -> Connection:
    options = {"socket_timeout": CONFIRM_TIMEOUT_S, "socket_connect_timeout": CONNECT_TIMEOUT_S}
    limits = {"read_timeout": CONFIRM_TIMEOUT_S, "write_timeout": CONFIRM_TIMEOUT_S}
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
    confirm: Any = {"confirm_timeout": CONFIRM_TIMEOUT_S} if settings.AMQP_URL else {}
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
        **confirm,
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
