"""What the code that runs now is running for: one request id through logs, facts and tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that this code serves; empty outside of one."""
    return _request_id.get()


@contextmanager
def bind_request_id(value: str) -> Iterator[None]:
    """Everything inside the block runs for the request `value`."""
    token = _request_id.set(value)
    try:
        yield
    finally:
        _request_id.reset(token)
