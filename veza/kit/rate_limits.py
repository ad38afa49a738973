"""Token buckets, as the kit sees them: the port. Adapters: veza.integrations.rate_limit.

A bucket holds `per_minute` tokens and refills evenly. Both adapters keep of it only the moment
at which it will be full again (the generic cell rate algorithm), which is the same thing.
"""

import math
from dataclasses import dataclass
from typing import Protocol

MINUTE_US = 60_000_000
ROUNDING_US = 10  # so that sums of thirds and sevenths of a minute still make a minute


@dataclass(frozen=True, kw_only=True)
class Decision:
    """May this pass, and what is left. `full_at_s` is in Unix seconds."""

    is_allowed: bool
    limit: int
    remaining: int
    full_at_s: int
    retry_after_s: int

    def headers(self) -> dict[str, str]:
        """What the contract puts on every answer of the API."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.full_at_s),
        }


class RateLimit(Protocol):
    """Atomic over every process that shares the adapter's store."""

    def take(self, *, key: str, per_minute: int, is_strict: bool = False) -> Decision:
        """Take one token. `is_strict` guards secrets: a process that counts alone gives less."""
        ...

    def charge(self, *, key: str, per_minute: int, count: int) -> Decision:
        """Count what was let through already; the bucket is empty at worst."""
        ...


def decide(*, is_allowed: bool, per_minute: int, full_at_us: float, now_us: float) -> Decision:
    """The decision, given the moment at which the bucket is full again."""
    interval_us = MINUTE_US / per_minute
    missing_us = max(0.0, full_at_us - now_us)
    wait_us = missing_us + interval_us - MINUTE_US
    return Decision(
        is_allowed=is_allowed,
        limit=per_minute,
        remaining=max(0, math.floor((MINUTE_US - missing_us + ROUNDING_US) / interval_us)),
        full_at_s=math.ceil(max(full_at_us, now_us) / 1_000_000),
        retry_after_s=0 if is_allowed else max(1, math.ceil(wait_us / 1_000_000)),
    )
