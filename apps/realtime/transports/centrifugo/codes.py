"""What a command is refused with. What ends a connection stands in `apps.realtime.limits.End`."""

from typing import Any, NamedTuple

from apps.realtime.limits import End


class Failure(NamedTuple):
    """The error in a reply. A temporary one is tried again by the SDKs, others mostly are not."""

    code: int
    message: str
    temporary: bool = False

    def as_reply(self) -> dict[str, Any]:
        """`code` and `message` are always there: the Python SDK demands both."""
        reply: dict[str, Any] = {"code": self.code, "message": self.message}
        return reply | {"temporary": True} if self.temporary else reply


INTERNAL = Failure(100, "internal server error", temporary=True)
UNKNOWN_CHANNEL = Failure(102, "unknown channel")
PERMISSION_DENIED = Failure(103, "permission denied")
METHOD_NOT_FOUND = Failure(104, "method not found")
ALREADY_SUBSCRIBED = Failure(105, "already subscribed")
LIMIT_EXCEEDED = Failure(106, "limit exceeded")
BAD_REQUEST = Failure(107, "bad request")
NOT_AVAILABLE = Failure(108, "not available")
TOKEN_EXPIRED = Failure(109, "token expired")
TOO_MANY_REQUESTS = Failure(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION = Failure(112, "unrecoverable position")

# Codes of the push `unsubscribe`: below 2500 for good, from there on the client subscribes again.
ACCESS_REVOKED = {"code": 2000, "reason": "access revoked"}
INSUFFICIENT_STATE = {"code": 2500, "reason": "insufficient state"}


class CommandError(Exception):
    """The command is refused; the connection goes on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class EndError(Exception):
    """The connection ends here."""

    def __init__(self, end: End) -> None:
        super().__init__(end.reason)
        self.end = end
