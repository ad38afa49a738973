"""A command to Redis whose answer is taken later, so that both sides work at the same time."""

from typing import Any

from hiredis import pack_command
from redis import Redis


class RedisCall:
    """Nothing is tried again. A connection whose answer was not taken is closed: the answer must
    not be taken for that of another command.
    """

    def __init__(self, client: Redis, *words: Any) -> None:
        self._pool: Any = client.connection_pool
        self._packed = pack_command(words)
        self._connection: Any = None

    def send(self) -> None:
        """Raises RedisError; then it may have been received or not."""
        connection = self._pool.get_connection()
        try:
            connection.send_packed_command([self._packed])
        except BaseException:
            self._pool.release(connection)
            raise
        self._connection = connection

    def answer(self) -> Any:
        """Waits for it. Raises RedisError, also for an error that Redis answers."""
        connection, self._connection = self._connection, None
        try:
            return connection.read_response()
        finally:
            self._pool.release(connection)

    def drop(self) -> None:
        """The answer is not wanted, if it was sent at all."""
        if self._connection is not None:
            self._connection.disconnect()
            self._pool.release(self._connection)
            self._connection = None
