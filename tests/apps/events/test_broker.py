"""What RabbitMQ says of many messages at once."""

import os
import uuid
from collections.abc import Iterator

import pytest
from celery import current_app
from kombu import Connection, Queue

from apps.events.broker import Broker, Order
from tests.veza.asgi.wire import until

pytestmark = pytest.mark.needs_rabbitmq
MOST = 10


def orders(count: int, queue: str) -> list[Order]:
    return [
        Order(id=number, event_id=uuid.uuid4(), handler="nobody's", queue=queue)
        for number in range(count)
    ]


@pytest.fixture
def queues(settings, monkeypatch) -> Iterator[dict[str, Queue]]:
    """One that takes everything, and a short one that refuses what is too much."""
    settings.AMQP_URL = os.environ["AMQP_URL"]
    monkeypatch.setattr(current_app.conf, "broker_url", settings.AMQP_URL)
    arguments = {"x-queue-type": "quorum", "x-overflow": "reject-publish"}
    long, short = (
        Queue(f"test-{uuid.uuid4().hex}", queue_arguments=arguments | more)
        for more in ({}, {"x-max-length": MOST})
    )
    made = {long.name: long, short.name: short}
    monkeypatch.setattr("apps.events.broker._queue", made.__getitem__)
    yield {"long": long, "short": short}
    with Connection(settings.AMQP_URL) as connection:
        for queue in made.values():
            queue(connection.default_channel).delete()


def holds(broker: Broker, queue: Queue, count: int) -> bool:
    """Soon: a quorum queue tells how long it is a moment late."""
    until(lambda: broker.depth(queue.name) == count)
    return True


def test_all_are_taken_when_it_returns(queues):
    broker = Broker()
    for _ in range(3):
        assert broker.send(orders(500, queues["long"].name)) == []
    assert holds(broker, queues["long"], 1_500)
    broker.close()


def test_only_what_a_full_queue_has_refused_comes_back(queues):
    broker = Broker()
    long, short = orders(200, queues["long"].name), orders(200, queues["short"].name)
    refused = broker.send([order for pair in zip(long, short, strict=True) for order in pair])
    assert {order.queue for order in refused} == {queues["short"].name}
    assert holds(broker, queues["long"], 200)
    assert holds(broker, queues["short"], 200 - len(refused))
    assert broker.send(orders(1, queues["long"].name)) == []  # and life goes on
    broker.close()
