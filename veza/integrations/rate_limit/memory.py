"""Buckets in this process: for tests, and for as long as Redis does not answer."""

import threading
import time
from collections.abc import Callable

from veza.kit.rate_limits import MINUTE_US, ROUNDING_US, Decision, decide

MAX_KEYS = 100_000


class MemoryRateLimit:
    """Exact within the process; forgets full buckets when it holds too many."""

    def __init__(self, now_us: Callable[[], float] = lambda: time.time() * 1e6) -> None:
        self._now_us = now_us
        self._full_at_us: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, *, key: str, per_minute: int, is_strict: bool = False) -> Decision:
        with self._lock:
            now_us = self._now_us()
            full_at_us = max(self._full_at_us.get(key, 0.0), now_us)
            after_us = full_at_us + MINUTE_US / per_minute
            is_allowed = after_us - now_us <= MINUTE_US + ROUNDING_US
            if is_allowed:
                full_at_us = after_us
                self._remember(key, full_at_us, now_us)
        return decide(
            is_allowed=is_allowed, per_minute=per_minute, full_at_us=full_at_us, now_us=now_us
        )

    def charge(self, *, key: str, per_minute: int, count: int) -> Decision:
        with self._lock:
            now_us = self._now_us()
            full_at_us = max(self._full_at_us.get(key, 0.0), now_us)
            full_at_us = min(full_at_us + count * MINUTE_US / per_minute, now_us + MINUTE_US)
            self._remember(key, full_at_us, now_us)
        return decide(is_allowed=True, per_minute=per_minute, full_at_us=full_at_us, now_us=now_us)

    def _remember(self, key: str, full_at_us: float, now_us: float) -> None:
        if key not in self._full_at_us and len(self._full_at_us) >= MAX_KEYS:
            kept = {name: at for name, at in self._full_at_us.items() if at > now_us}
            if len(kept) >= MAX_KEYS:  # an attack from many addresses: the oldest half gives way
                kept = dict(list(kept.items())[MAX_KEYS // 2 :])
            self._full_at_us = kept
        self._full_at_us[key] = full_at_us
