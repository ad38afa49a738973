"""Commands to Redis whose answers are taken later, so that both sides work at the same time."""

from typing import Any

from hiredis import pack_command
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

Ticket = object
"""Of a command that was sent; those of one connection have the same."""


def packed(*words: Any) -> bytes:
    """One command."""
    declared: Any = words  # as a tuple of one
    command: bytes = pack_command(declared)
    return command


class RedisPipe:
    """Commands are sent one behind another on one connection (pipelining), and answered in their
    order. Nothing is tried again. After a failure the connection is closed, and what it owes is
    lost: an answer must not be taken for that of another command. For one thread.
    """

    def __init__(self, client: Redis) -> None:
        self._pool: Any = client.connection_pool
        self._connection: Any = None
        self._unanswered = 0
        self._ticket: Ticket = object()

    def send(self, command: bytes) -> Ticket:
        """One command, as `packed` makes it. Raises RedisError; then it may have been received or
        not.
        """
        if self._connection is None:
            self._connection = self._pool.get_connection()
            self._ticket = object()
        try:
            self._connection.send_packed_command([command])
        except BaseException:
            self.drop()
            raise
        self._unanswered += 1
        return self._ticket

    def answer(self, ticket: Ticket) -> Any:
        """Wait for that of the oldest command. Raises RedisError, also for an error that Redis
        answers.
        """
        if ticket is not self._ticket or self._connection is None:
            raise RedisConnectionError("the connection was lost before the answer")
        try:
            found = self._connection.read_response()
        except ResponseError:
            self._has_answered()
            raise
        except BaseException:
            self.drop()
            raise
        self._has_answered()
        return found

    def drop(self) -> None:
        """What was not answered is not wanted."""
        connection, self._connection, self._unanswered = self._connection, None, 0
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)

    def _has_answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            connection, self._connection = self._connection, None
            self._pool.release(connection)
