"""Django's own cache for Redis, which gives up soon and holds JSON."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from veza.kit.caches import CacheAwayError

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 2
PAUSE_S = 1.0
Answer = TypeVar("Answer")


class JsonSerializer:
    """Not pickle: who can write to Redis must not be able to run code here."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, content: bytes) -> Any:
        return json.loads(content)


class ImpatientRedisCache(RedisCache):
    """Raises CacheAwayError after a short time-out; after two in a row it does so at once and asks
    Redis again once a second, so that a hung Redis does not cost every request its time-out.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._guard = _guard

    def get_many(self, *args: Any, **options: Any) -> Any:
        return self._guard.run(lambda: super(ImpatientRedisCache, self).get_many(*args, **options))

    def add(self, *args: Any, **options: Any) -> Any:
        return self._guard.run(lambda: super(ImpatientRedisCache, self).add(*args, **options))

    def set(self, *args: Any, **options: Any) -> Any:
        return self._guard.run(lambda: super(ImpatientRedisCache, self).set(*args, **options))

    def delete_many(self, *args: Any, **options: Any) -> Any:
        return self._guard.run(
            lambda: super(ImpatientRedisCache, self).delete_many(*args, **options)
        )


class _Guard:
    """One for all threads of the process: Django makes a cache for each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._again_at = 0.0

    def run(self, ask: Callable[[], Answer]) -> Answer:
        if not self._may_ask():
            raise CacheAwayError
        try:
            answer = ask()
        except (RedisError, ValueError) as fault:  # ValueError: what stands there is not ours
            self._note_failure(fault)
            raise CacheAwayError from fault
        self._note_success()
        return answer

    def _may_ask(self) -> bool:
        if self._failures < FAILURES_TO_OPEN:
            return True
        with self._lock:  # one request tries, the others need not wait for it
            if time.monotonic() < self._again_at:
                return False
            self._again_at = time.monotonic() + PAUSE_S
            return True

    def _note_failure(self, fault: Exception) -> None:
        with self._lock:
            self._failures += 1
            self._again_at = time.monotonic() + PAUSE_S
            has_opened = self._failures == FAILURES_TO_OPEN
        if has_opened:
            logger.warning("cache_away", extra={"fault": str(fault)})

    def _note_success(self) -> None:
        if self._failures == 0:
            return
        with self._lock:
            was_open = self._failures >= FAILURES_TO_OPEN
            self._failures = 0
        if was_open:
            logger.warning("cache_back")


def make_key(key: str, prefix: str, version: int) -> str:
    """Begins as every key of ours; installations on one Redis differ by their database."""
    return f"{settings.REDIS_NAMESPACE}:cache:{settings.DATABASES['default']['NAME']}:{key}"


_guard = _Guard()
