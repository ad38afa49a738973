"""Reads of the log, one after the other, in one thread with a database connection of its own."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections

Answer = TypeVar("Answer")


class LogReader:
    """Its connection is no part of the pool: requests that wait for one must not stop the facts.

    After a failure the next call connects anew.
    """

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._thread: ThreadPoolExecutor | None = None

    async def call(self, read: Callable[[], Answer]) -> Answer:
        """What `read` returns, called in the thread. Raises what it raises."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(
                1, thread_name_prefix=self._name, initializer=_take_own_connection
            )
        return await asyncio.get_running_loop().run_in_executor(self._thread, _guarded, read)

    def stop(self) -> None:
        """Close the connection; a read that runs is not waited for."""
        if self._thread is not None:
            self._thread.submit(_close)
            self._thread.shutdown(wait=False)
            self._thread = None


def _take_own_connection() -> None:
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.settings_dict["CONN_MAX_AGE"] = None
    connections[own.alias] = own


def _guarded(read: Callable[[], Answer]) -> Answer:
    try:
        return read()
    except Exception:
        _close()
        raise


def _close() -> None:
    with contextlib.suppress(Exception):  # it was broken
        connection.close()
