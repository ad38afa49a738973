"""Rate limits of the API: who is counted, in which bucket, and what the answer says about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from veza.kit.api.requests import address_group, client_address
from veza.kit.backends import backend
from veza.kit.errors import ThrottledError
from veza.kit.rate_limits import Decision, RateLimit

Identity = Callable[[HttpRequest], str | None]

_decisions: ContextVar[list[Decision] | None] = ContextVar("rate_limit_decisions", default=None)


def spend(*, scope: str, key: str, per_minute: int) -> None:
    """Take a token from the bucket `scope` of `key` (an address, an account).

    Raises ThrottledError with the seconds to wait. The answer's headers then tell of this bucket.
    """
    decision = take(scope=scope, key=key, per_minute=per_minute, is_strict=True)
    if not decision.is_allowed:
        raise ThrottledError(retry_after_s=decision.retry_after_s)


def take(*, scope: str, key: str, per_minute: int, is_strict: bool = False) -> Decision:
    """As `spend`, but the caller reads the decision."""
    limiter = cast(RateLimit, backend("RATE_LIMIT_BACKEND"))
    decision = limiter.take(key=f"{scope}:{key}", per_minute=per_minute, is_strict=is_strict)
    decisions = _decisions.get()
    if decisions is not None:
        decisions.append(decision)
    return decision


@contextmanager
def observe() -> Iterator[list[Decision]]:
    """The decisions that are taken inside the block, by this thread of work."""
    decisions: list[Decision] = []
    token = _decisions.set(decisions)
    try:
        yield decisions
    finally:
        _decisions.reset(token)


def tightest(decisions: list[Decision]) -> Decision:
    """The one that the client should heed: a refusal, else the one with the least left."""
    return min(decisions, key=lambda each: (each.is_allowed, each.remaining / each.limit))


def caller(request: HttpRequest) -> str:
    """The user whom the request names convincingly, else the address that it comes from."""
    user_id = _identity(settings.RATE_LIMIT_IDENTITY)(request)
    return f"user:{user_id}" if user_id else f"address:{address_group(client_address(request))}"


@cache
def _identity(path: str) -> Identity:
    return cast(Identity, import_string(path)) if path else _nobody


def _nobody(_request: HttpRequest) -> None:
    return None
