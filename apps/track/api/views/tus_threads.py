"""Blocking calls of uploads, in threads of their own: a slow disk holds up nothing else."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

THREADS = 8
Given = ParamSpec("Given")
Result = TypeVar("Result")

_writers = ThreadPoolExecutor(THREADS, "uploads")
_beat = ThreadPoolExecutor(1, "uploads-beat")


async def in_thread(
    call: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Run it with the context of the caller. What has begun goes on to its end."""
    return await _run(_writers, partial(call, *args, **kwargs))


async def in_beat_thread(
    call: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """The same, where nothing else waits in line."""
    return await _run(_beat, partial(call, *args, **kwargs))


async def write_in_thread(
    write: Callable[Given, None], *args: Given.args, **kwargs: Given.kwargs
) -> None:
    """The same for a call that does not ask the database."""
    await asyncio.get_running_loop().run_in_executor(_writers, partial(write, *args, **kwargs))


async def _run(threads: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, context.run, _with_connection, call)


def _with_connection(call: Callable[[], Result]) -> Result:
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()
