"""What the code that runs now is running for: one request id through logs, facts and tasks, and
the program that asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Client:
    """The program that calls: what it says it is, and where from ("" when that is unknown)."""

    user_agent: str
    address: str


NOBODY = Client(user_agent="", address="")

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_client: ContextVar[Client] = ContextVar("client", default=NOBODY)


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


def current_client() -> Client:
    """Who sent the request that this code serves; NOBODY outside of one."""
    return _client.get()


@contextmanager
def bind_client(value: Client) -> Iterator[None]:
    """Everything inside the block was asked for by `value`."""
    token = _client.set(value)
    try:
        yield
    finally:
        _client.reset(token)
