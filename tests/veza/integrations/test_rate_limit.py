"""Both adapters promise the same, Redis over processes, and the process while Redis is away."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from statistics import median
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.test import override_settings

from tests.patience import PATIENCE_S
from veza.integrations.rate_limit.memory import MemoryRateLimit
from veza.integrations.rate_limit.redis import RedisRateLimit
from veza.kit.rate_limits import Decision, RateLimit

_numbers = count()


def new_key() -> str:
    return f"test {os.getpid()} {next(_numbers)}"


@pytest.fixture(params=["memory", "redis"])
def limiter(request: pytest.FixtureRequest) -> Iterator[RateLimit]:
    if request.param == "memory":
        yield MemoryRateLimit()
        return
    if not settings.REDIS_URL:
        pytest.skip("REDIS_URL is not set.")
    with override_settings(RATE_LIMIT_TIMEOUT_S=5):
        yield RedisRateLimit()


class TestBuckets:
    @pytest.mark.parametrize("count", [1, 5, 6, 50])
    def test_what_was_given_already_can_be_counted(self, limiter: RateLimit, count: int) -> None:
        key = new_key()

        told = limiter.charge(key=key, per_minute=6, count=count)

        assert told.remaining == max(0, 6 - count)
        assert limiter.take(key=key, per_minute=6).is_allowed == (count < 6)

    @pytest.mark.parametrize("limit", [1, 7, 10, 100, 997])
    def test_hold_exactly_the_limit(self, limiter: RateLimit, limit: int) -> None:
        key = new_key()
        begun = time.monotonic()
        decisions = [limiter.take(key=key, per_minute=limit) for _ in range(limit + 50)]
        refilled = int((time.monotonic() - begun) * limit / 60) + 1
        allowed = [decision for decision in decisions if decision.is_allowed]
        assert all(decision.is_allowed for decision in decisions[:limit])
        assert limit <= len(allowed) <= limit + refilled
        assert decisions[0].remaining == limit - 1
        assert decisions[0].limit == limit

    def test_say_when_they_are_full_again(self, limiter: RateLimit) -> None:
        key, began = new_key(), time.time()
        for _ in range(30):
            decision = limiter.take(key=key, per_minute=60)
        assert began + 28 <= decision.full_at_s <= time.time() + 32

    def test_say_honestly_how_long_to_wait(self, limiter: RateLimit) -> None:
        key, began = new_key(), time.monotonic()
        decisions = [limiter.take(key=key, per_minute=6) for _ in range(7)]
        assert [decision.retry_after_s for decision in decisions[:6]] == [0] * 6
        assert 9 - (time.monotonic() - began) <= decisions[6].retry_after_s <= 10
        assert decisions[6].remaining == 0

    def test_are_one_for_each_key(self, limiter: RateLimit) -> None:
        first, second = new_key(), new_key()
        assert limiter.take(key=first, per_minute=1).is_allowed
        assert not limiter.take(key=first, per_minute=1).is_allowed
        assert limiter.take(key=second, per_minute=1).is_allowed

    def test_are_never_overdrawn_by_threads(self, limiter: RateLimit) -> None:
        key = new_key()
        with ThreadPoolExecutor(16) as threads:
            decisions = list(
                threads.map(lambda _: limiter.take(key=key, per_minute=10), range(200))
            )
        assert sum(decision.is_allowed for decision in decisions) in (10, 11, 12)


class TestMemory:
    def test_refills_evenly(self) -> None:
        now = [0.0]
        limiter = MemoryRateLimit(now_us=lambda: now[0])
        assert sum(limiter.take(key="k", per_minute=60).is_allowed for _ in range(100)) == 60
        allowed = 0
        for _ in range(600):  # a minute, in tenths of a second
            now[0] += 100_000
            allowed += limiter.take(key="k", per_minute=60).is_allowed
        assert allowed == 60

    def test_stays_small(self) -> None:
        limiter = MemoryRateLimit(now_us=lambda: 0.0)
        for number in range(250_000):
            limiter.take(key=str(number), per_minute=1)
        assert len(limiter._full_at_us) <= 100_000


@pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set.")
class TestRedis:
    def test_counts_over_processes(self) -> None:
        key = new_key()
        script = (
            "import sys, django; django.setup()\n"
            "from django.conf import settings; settings.RATE_LIMIT_TIMEOUT_S = 5\n"
            "from veza.integrations.rate_limit.redis import RedisRateLimit\n"
            "limiter = RedisRateLimit(); sys.stdin.readline()\n"
            f"print(sum(limiter.take(key={key!r}, per_minute=20).is_allowed for _ in range(30)))"
        )
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        children = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for _ in range(2)
        ]
        begun = time.monotonic()
        answers = [child.communicate("go\n")[0] for child in children]
        refilled = (time.monotonic() - begun) / 3 + 1
        assert 20 <= sum(map(int, answers)) <= 20 + refilled

    def test_leaves_nothing_behind_for_ever_and_names_nobody(self) -> None:
        with redis.Redis.from_url(settings.REDIS_URL) as store:
            RedisRateLimit().take(key="login:someone@example.org", per_minute=10)
            keys = list(store.scan_iter(f"{settings.REDIS_NAMESPACE}:rate:*"))
            assert keys
            assert all(0 < store.pttl(key) <= 60_000 for key in keys)
            assert not any(b"example" in key for key in keys)


class StubbornRedis:
    """Stands before a Redis: takes connections and says nothing until it is woken."""

    def __init__(self, real_url: str) -> None:
        self._real = urlsplit(real_url)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._is_awake = False
        self._open: list[socket.socket] = []
        self.connections = 0
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def wake(self) -> None:
        self._is_awake = True

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for taken in self._open:
            with suppress(OSError):
                taken.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for taken in self._open:
            taken.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self._socket.accept()
                self.connections += 1
                self._open.append(taken)
                if self._is_awake:
                    self._join(taken)

    def _join(self, taken: socket.socket) -> None:
        address = (self._real.hostname or "", self._real.port or 6379)
        real = socket.create_connection(address)
        self._open.append(real)
        for source, target in ((taken, real), (real, taken)):
            self._threads.append(threading.Thread(target=self._pump, args=(source, target)))
            self._threads[-1].start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)


@pytest.fixture
def hung_redis() -> Iterator[StubbornRedis]:
    server = StubbornRedis(settings.REDIS_URL)
    with override_settings(REDIS_URL=f"redis://127.0.0.1:{server.port}/0"):
        yield server
    server.close()


def seconds(act: Callable[[], Decision]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


class TestWhileRedisIsAway:
    def test_a_hung_redis_costs_few_requests_its_time_out(self, hung_redis: StubbornRedis) -> None:
        with override_settings(RATE_LIMIT_TIMEOUT_S=0.05):
            limiter = RedisRateLimit()
        began = time.monotonic()
        times = sorted(seconds(lambda: limiter.take(key="k", per_minute=1000)) for _ in range(50))
        assert median(times) < 0.02
        # It is left alone for a while after each failure; on a slow machine there are more whiles.
        assert hung_redis.connections <= 4 + 2 * (time.monotonic() - began)

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", ""])
    def test_the_process_counts_for_itself(
        self, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with override_settings(REDIS_URL=url):
            limiter = RedisRateLimit()
            allowed = [limiter.take(key="k", per_minute=10).is_allowed for _ in range(30)]
        assert sum(allowed) == 10
        messages = [record.message for record in caplog.records]
        assert messages == (["rate_limit_counts_locally"] if url else [])

    def test_what_guards_secrets_is_shared_among_the_processes(self) -> None:
        with override_settings(REDIS_URL="", WEB_PROCESSES=8):
            limiter = RedisRateLimit()
            strict = [
                limiter.take(key="login", per_minute=16, is_strict=True).is_allowed
                for _ in range(30)
            ]
            assert sum(strict) == 2
            few = [limiter.take(key="x", per_minute=3, is_strict=True) for _ in range(3)]
            assert sum(decision.is_allowed for decision in few) == 1

    @pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set.")
    def test_it_is_asked_again_when_it_is_back(
        self, hung_redis: StubbornRedis, caplog: pytest.LogCaptureFixture
    ) -> None:
        with override_settings(RATE_LIMIT_TIMEOUT_S=0.2):
            limiter = RedisRateLimit()
            for _ in range(5):
                limiter.take(key="k", per_minute=100_000)
            hung_redis.wake()
            deadline = time.monotonic() + PATIENCE_S
            while len(caplog.records) < 2 and time.monotonic() < deadline:
                limiter.take(key="k", per_minute=100_000)
        messages = [record.message for record in caplog.records]
        assert messages == ["rate_limit_counts_locally", "rate_limit_counts_in_redis_again"]
