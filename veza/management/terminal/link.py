"""A connection that comes back by itself."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STABLE_S = 10.0
FINAL_CODES = range(3500, 4000)
"""The server closes with these when coming back would not help."""
REFUSED = range(400, 500)
TOO_MANY = 429

Use = Callable[[ClientConnection], Awaitable[None]]
Tell = Callable[[str], None]


class LinkError(Exception):
    """Coming back would not help; the message says why."""


async def stay_connected(url: str, *, token: str, use: Use, tell: Tell) -> None:
    """Have `use` called with an open connection until it returns; again after each loss.

    Pauses grow to LONGEST_PAUSE_S and are random, so that many clients do not come back at once.
    Raises LinkError.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    loop, losses = asyncio.get_running_loop(), 0
    while True:
        began = loop.time()
        try:
            async with connect(url, additional_headers=headers, compression=None) as link:
                tell("connected")
                await use(link)
                return
        except (OSError, TimeoutError, ConnectionClosed, InvalidStatus, InvalidURI) as fault:
            reason = _reason(fault)
        losses = 1 if loop.time() - began > STABLE_S else losses + 1
        pause_s = random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**losses))  # noqa: S311
        tell(f"{reason}; trying again in {pause_s:.1f} s")
        await asyncio.sleep(pause_s)


def _reason(fault: Exception) -> str:
    """Why there is no connection. Raises LinkError where a repeat would bring the same."""
    if isinstance(fault, InvalidURI):
        raise LinkError(f"{fault.uri} is no address of a WebSocket: say --url ws://host:port.")
    if isinstance(fault, InvalidStatus):
        status = fault.response.status_code
        if status in REFUSED and status != TOO_MANY:
            raise LinkError(f"The server refuses the connection with {status}.")
        return f"refused with {status}"
    if isinstance(fault, ConnectionClosed) and fault.rcvd is not None:
        if fault.rcvd.code in FINAL_CODES:
            raise LinkError(f"The server closed the connection: {fault.rcvd.reason}.")
        return f"closed with {fault.rcvd.code} {fault.rcvd.reason}".rstrip()
    return f"not connected ({str(fault) or type(fault).__name__})"
