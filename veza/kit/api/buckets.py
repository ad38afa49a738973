"""The rate limit where no request may wait for it: counted here at once, and soon in the store.

A bucket is known after the store was asked for it, which an ordinary request does. From then on
this process gives from what it knows, tells the store within SETTLE_S, and hears what others gave.
So a caller may get more than his due from several processes at once, for SETTLE_S.
"""

import asyncio
import math
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from django.conf import settings

from veza.kit.backends import backend
from veza.kit.rate_limits import MINUTE_US, ROUNDING_US, Decision, RateLimit

SETTLE_S = 0.05
MOST = 50_000
SCOPE = "api"


class Buckets:
    """Those of the API, by caller. Called on the loop."""

    def __init__(self) -> None:
        self._full_at_us: dict[str, float] = {}
        self._interval_us = MINUTE_US / settings.RATE_LIMIT_PER_MINUTE
        self._given: defaultdict[str, int] = defaultdict(int)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="buckets")
        self._settling: asyncio.Task[None] | None = None

    def learn(self, caller: str, *, remaining: int) -> None:
        """What the store has told of a bucket just now."""
        if len(self._full_at_us) >= MOST:
            self._full_at_us.clear()
        limit = settings.RATE_LIMIT_PER_MINUTE
        missing_us = (limit - remaining) * MINUTE_US / limit
        self._full_at_us[caller] = time.time() * 1e6 + missing_us

    def take(self, caller: str) -> tuple[int, int] | None:
        """One token: how many remain, and the Unix second when the bucket is full again. None
        where nothing is known of it, and where it is empty.
        """
        full_at_us = self._full_at_us.get(caller)
        if full_at_us is None:
            return None
        now_us = time.time() * 1e6
        interval_us = self._interval_us
        full_at_us = (full_at_us if full_at_us > now_us else now_us) + interval_us
        missing_us = full_at_us - now_us
        if missing_us > MINUTE_US + ROUNDING_US:
            del self._full_at_us[caller]
            return None
        self._full_at_us[caller] = full_at_us
        self._given[caller] += 1
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle())
            self._settling.add_done_callback(self._settled)
        remaining = int((MINUTE_US - missing_us + ROUNDING_US) / interval_us)
        return remaining, math.ceil(full_at_us / 1e6)

    def _settled(self, _: "asyncio.Task[None]") -> None:
        self._settling = None

    async def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SETTLE_S)
            given, self._given = self._given, defaultdict(int)
            if not given:
                return
            for caller, told in (await loop.run_in_executor(self._thread, _charge, given)).items():
                if caller in self._full_at_us:
                    self.learn(caller, remaining=told.remaining - self._given.get(caller, 0))


def _charge(given: dict[str, int]) -> dict[str, Decision]:
    limiter = cast(RateLimit, backend("RATE_LIMIT_BACKEND"))
    per_minute = settings.RATE_LIMIT_PER_MINUTE
    return {
        caller: limiter.charge(key=f"{SCOPE}:{caller}", per_minute=per_minute, count=count)
        for caller, count in given.items()
    }
