"""Whether this process is on its way out."""

from collections.abc import Awaitable, Callable

Drain = Callable[[float], Awaitable[None]]

_stopping = False
_drain: Drain | None = None


def begin_to_stop() -> None:
    """From now on the process is not ready: it finishes what it has, and takes nothing for long."""
    global _stopping  # noqa: PLW0603 - one server per process
    _stopping = True


def is_stopping() -> bool:
    """True after SIGTERM; readiness checks answer 503 then."""
    return _stopping


def drain_with(drain: Drain | None) -> None:
    """Have the server call `drain(within_s)` when it stops, to end what would never end by itself.

    The server then leaves accepted WebSockets alone.
    """
    global _drain  # noqa: PLW0603 - one server per process
    _drain = drain


def is_drained() -> bool:
    """Whether the application ends its WebSockets itself."""
    return _drain is not None


async def drain(within_s: float) -> None:
    """End what would never end by itself."""
    if _drain is not None:
        await _drain(within_s)
