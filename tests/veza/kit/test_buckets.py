"""The rate limit where no request waits for it gives what the store gives."""

import asyncio
import time

import pytest

from tests.patience import PATIENCE_S
from veza.integrations.rate_limit.memory import MemoryRateLimit
from veza.kit.api.buckets import Buckets
from veza.kit.backends import backend


@pytest.fixture
def store(settings) -> MemoryRateLimit:
    settings.RATE_LIMIT_BACKEND = "veza.integrations.rate_limit.memory.MemoryRateLimit"
    settings.RATE_LIMIT_PER_MINUTE = 60
    limiter: MemoryRateLimit = backend("RATE_LIMIT_BACKEND")
    return limiter


async def test_nothing_is_given_to_whom_nobody_knows(store):
    assert Buckets().take("address:192.0.2.1") is None


async def test_as_much_is_given_as_remains(store):
    buckets = Buckets()
    buckets.learn("address:192.0.2.1", remaining=3)

    left = [buckets.take("address:192.0.2.1") for _ in range(4)]

    assert [each and each[0] for each in left] == [2, 1, 0, None]
    assert buckets.take("address:192.0.2.1") is None, "the store is asked from now on"


def refilled(since: float) -> int:
    """How many are given anew by now: one a second."""
    return int(time.monotonic() - since)


async def test_the_store_is_told_and_tells_what_others_took(store):
    caller, key = "address:192.0.2.2", "api:address:192.0.2.2"
    buckets, began = Buckets(), time.monotonic()
    told = store.take(key=key, per_minute=60)
    buckets.learn(caller, remaining=told.remaining)
    for _ in range(40):
        store.take(key=key, per_minute=60)

    buckets.take(caller)
    async with asyncio.timeout(PATIENCE_S):
        while (left := buckets.take(caller)) is None or left[0] > 20 + refilled(began):
            await asyncio.sleep(0.02)

    assert store.take(key=key, per_minute=60).remaining < 20 + refilled(began)
