"""P18: a broker that is away fails no request; what is owed waits, and is done when it is back."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from apps.events import registry, selectors
from apps.events.models import Delivery, LoggedFact
from tests.apps.events.rig import database_url, eventually
from tests.faults.handling.jobs import JobAsked, ask, drop_tables, make_tables
from tests.faults.own_rabbitmq import OwnRabbitMQ
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.waiting import say
from tests.faults.test_handlers import (
    Platform,
    Process,
    effects,
    has_more_effects_than,
    is_over,
    relay_knows_the_handler,
)
from tests.veza.integrations.own_redis import OwnRedis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _jobs() -> Iterator[None]:
    make_tables()
    with registry.including(JobAsked):
        yield
    drop_tables()


KILLS = {"small": 1, "medium": 4, "large": 12}[SIZE.name]
Broker = OwnRedis | OwnRabbitMQ
LOSSES: dict[str, tuple[Callable[[Any], None], Callable[[Any], None]]] = {
    "dead": (lambda broker: broker.kill(), lambda broker: broker.start()),
    "frozen": (lambda broker: broker.freeze(), lambda broker: broker.thaw()),
    "full": (lambda broker: broker.fill_up(), lambda broker: broker.make_room()),
}


@contextmanager
def own_broker(name: str, place: Path) -> Iterator[tuple[Broker, dict[str, str]]]:
    """A broker of the test's own, and what tells processes of it."""
    environ = {
        "TEST_QUEUE": f"test-{uuid.uuid4().hex}",
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.faults.handling.settings",
    }
    if name == "redis":
        with OwnRedis(place) as redis:
            yield redis, environ | {"AMQP_URL": "", "REDIS_URL": redis.url}
    else:
        with OwnRabbitMQ(place / "rabbitmq") as rabbit:
            yield rabbit, environ | {"AMQP_URL": rabbit.url}


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("redis", "dead"),
        ("redis", "frozen"),
        *(
            pytest.param("rabbitmq", loss, marks=pytest.mark.needs_rabbitmq)
            for loss in ("dead", "frozen", "full")
        ),
    ],
)
def test_a_broker_that_is_away_delays_and_loses_nothing(
    tmp_path: Path, name: str, loss: str
) -> None:
    lose, heal = LOSSES[loss]
    with own_broker(name, tmp_path) as (broker, environ), ExitStack() as stack:
        platform = Platform(environ, stack, tmp_path)
        platform.relay()
        workers = [platform.worker()]
        eventually(relay_knows_the_handler)
        asked = [ask() for _ in range(5)]
        eventually(lambda: is_over(asked))

        lose(broker)
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            asked.append(ask())
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1  # nobody who asks waits for a broker
        eventually(lambda: LoggedFact.objects.count() == len(asked))  # the road of facts is free
        eventually(lambda: Delivery.objects.count() == len(asked))
        waited_from = time.monotonic()
        eventually(lambda: selectors.dispatch_status().lag_s > 1)  # operators are told
        assert time.monotonic() - waited_from < 20
        heal(broker)
        eventually(partial(is_over_with, asked, workers, platform))
        assert effects() == Counter(asked)


@pytest.mark.parametrize(
    "name", ["redis", pytest.param("rabbitmq", marks=pytest.mark.needs_rabbitmq)]
)
def test_a_broker_that_is_killed_under_load_loses_and_repeats_no_effect(
    tmp_path: Path, name: str
) -> None:
    """Jobs wait in it, and are being done, when it dies. Redis comes back empty, RabbitMQ with what
    it was given, which workers may then get twice.
    """
    with own_broker(name, tmp_path) as (broker, environ), ExitStack() as stack:
        platform = Platform(environ, stack, tmp_path)
        platform.relay()
        workers = [platform.worker()]
        eventually(relay_knows_the_handler)
        asked: list[UUID] = []
        for _ in range(KILLS):
            asked.extend(ask("slow" if number % 5 == 0 else "good") for number in range(40))
            eventually(partial(goes_on_with, effects().total(), workers, platform))
            broker.kill()
            asked.extend(ask() for _ in range(10))
            broker.start()
        eventually(partial(is_over_with, asked, workers, platform))
        say(f"{len(asked)} jobs asked for, {effects().total()} effects, {len(workers)} workers")
        assert effects() == Counter(asked)


def is_over_with(asked: list[UUID], workers: list[Process], platform: Platform) -> bool:
    keep_up(workers, platform)
    return is_over(asked)


def goes_on_with(effects_before: int, workers: list[Process], platform: Platform) -> bool:
    keep_up(workers, platform)
    return has_more_effects_than(effects_before)


def keep_up(workers: list[Process], platform: Platform) -> None:
    """A worker that ends is started again, as whoever runs it does: kombu does not get over every
    loss of Redis (it asks a connection that is closed for its host).
    """
    if workers[-1].poll() is not None:
        workers.append(platform.worker())
