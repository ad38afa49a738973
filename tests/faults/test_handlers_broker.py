"""P18: a broker that is away fails no request; what is owed waits, and is done when it is back."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from apps.events import registry, selectors
from apps.events.models import Delivery, LoggedFact
from tests.apps.events.rig import database_url, eventually
from tests.faults.handling.jobs import JobAsked, ask, drop_tables, make_tables
from tests.faults.test_handlers import Platform, effects, is_over, relay_knows_the_handler
from tests.veza.integrations.own_redis import OwnRedis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _jobs() -> Iterator[None]:
    make_tables()
    with registry.including(JobAsked):
        yield
    drop_tables()


@pytest.mark.parametrize("is_frozen", [False, True], ids=["dead", "frozen"])
def test_a_broker_that_is_away_delays_and_loses_nothing(tmp_path: Path, is_frozen: bool) -> None:
    with OwnRedis(tmp_path) as redis, ExitStack() as stack:
        broker = {
            "TEST_QUEUE": f"test-{uuid.uuid4().hex}",
            "AMQP_URL": "",
            "REDIS_URL": redis.url,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.faults.handling.settings",
        }
        platform = Platform(broker, stack, tmp_path)
        platform.relay()
        platform.worker()
        eventually(relay_knows_the_handler)
        asked = [ask() for _ in range(5)]
        eventually(lambda: is_over(asked))

        redis.freeze() if is_frozen else redis.kill()
        asked += [ask() for _ in range(20)]
        eventually(lambda: LoggedFact.objects.count() == len(asked))  # the road of facts is free
        eventually(lambda: Delivery.objects.count() == len(asked))
        waited_from = time.monotonic()
        eventually(lambda: selectors.dispatch_status().lag_s > 1)  # operators are told
        assert time.monotonic() - waited_from < 20
        redis.thaw() if is_frozen else redis.start()
        eventually(lambda: is_over(asked))
        assert effects() == Counter(asked)
