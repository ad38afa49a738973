"""Buckets in Redis or Valkey, one atomic script a token; in the process while Redis is away."""

import hashlib
import logging
import threading
import time
from typing import cast

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from veza.integrations.rate_limit.memory import MemoryRateLimit
from veza.kit.rate_limits import Decision, decide

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 2
PAUSE_S = 1.0

# The key holds the microsecond at which the bucket is full again; Redis' own clock judges all
# processes alike. Doubles count microseconds exactly until the year 2255.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local minute = 60000000
local after = full_at + minute / tonumber(ARGV[1])
local allowed = 0
if after - now <= minute + 10 then
  allowed = 1
  full_at = after
  local life = math.ceil((full_at - now) / 1000)
  redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', life)
end
return {allowed, string.format('%.3f', full_at), string.format('%.0f', now)}
"""
CHARGE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local minute = 60000000
full_at = math.min(full_at + tonumber(ARGV[2]) * minute / tonumber(ARGV[1]), now + minute)
local life = math.ceil((full_at - now) / 1000)
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.max(1, life))
return {1, string.format('%.3f', full_at), string.format('%.0f', now)}
"""


class RedisRateLimit:
    """Exact over all processes while Redis answers within RATE_LIMIT_TIMEOUT_S.

    After two failures in a row each process counts for itself and tries Redis once a second, so
    that a hung Redis does not cost every request its time-out. Strict buckets then hold each
    process's share only, so that N processes together give no more than one.
    """

    def __init__(self) -> None:
        self._local = MemoryRateLimit()
        self._client = _connect()
        self._script = self._client.register_script(SCRIPT) if self._client else None
        self._charge = self._client.register_script(CHARGE) if self._client else None
        self._lock = threading.Lock()
        self._failures = 0
        self._try_again_at = 0.0

    def take(self, *, key: str, per_minute: int, is_strict: bool = False) -> Decision:
        decision = self._ask(self._script, key, per_minute)
        if decision is not None:
            return decision
        share = per_minute // settings.WEB_PROCESSES if is_strict else per_minute
        return self._local.take(key=_hashed(key), per_minute=max(1, share))

    def charge(self, *, key: str, per_minute: int, count: int) -> Decision:
        decision = self._ask(self._charge, key, per_minute, count)
        if decision is not None:
            return decision
        return self._local.charge(key=_hashed(key), per_minute=per_minute, count=count)

    def _ask(self, script: Script | None, key: str, *words: int) -> Decision | None:
        """None where Redis does not answer now."""
        if script is None or not self._may_ask():
            return None
        try:
            allowed, full_at, now = cast(
                tuple[int, bytes, bytes],
                script(keys=[f"{settings.REDIS_NAMESPACE}:rate:{_hashed(key)}"], args=words),
            )
        except RedisError as fault:
            self._note_failure(fault)
            return None
        self._note_success()
        return decide(
            is_allowed=bool(allowed),
            per_minute=words[0],
            full_at_us=float(full_at),
            now_us=float(now),
        )

    def _may_ask(self) -> bool:
        if self._script is None:
            return False
        if self._failures < FAILURES_TO_OPEN:
            return True
        with self._lock:  # one request tries, the others need not wait for it
            if time.monotonic() < self._try_again_at:
                return False
            self._try_again_at = time.monotonic() + PAUSE_S
            return True

    def _note_failure(self, fault: RedisError) -> None:
        with self._lock:
            self._failures += 1
            self._try_again_at = time.monotonic() + PAUSE_S
            has_opened = self._failures == FAILURES_TO_OPEN
        if has_opened:
            logger.warning("rate_limit_counts_locally", extra={"fault": str(fault)})

    def _note_success(self) -> None:
        if self._failures == 0:
            return
        with self._lock:
            was_open = self._failures >= FAILURES_TO_OPEN
            self._failures = 0
        if was_open:
            logger.warning("rate_limit_counts_in_redis_again")


def _connect() -> "Redis | None":
    if not settings.REDIS_URL:
        return None
    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.RATE_LIMIT_TIMEOUT_S,
        socket_timeout=settings.RATE_LIMIT_TIMEOUT_S,
        # Once more when a pooled connection has died since, never after a time-out.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


def _hashed(key: str) -> str:
    """Addresses and account names do not stand in Redis, and no key is long."""
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest()
