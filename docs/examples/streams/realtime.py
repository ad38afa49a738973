# /// script
# requires-python = ">=3.11"
# dependencies = ["centrifuge-python>=0.7,<1"]
# ///
"""Show what happens in a room, over a WebSocket with the Centrifugo SDK.

The SDK comes back by itself after a cut and brings what was missed. Messages go to standard
output, one JSON object a line; remarks go to standard error. Ctrl-C ends it.
"""

import argparse
import asyncio
import json
import sys
import time
from datetime import datetime

from centrifuge import (
    Client,
    ClientEventHandler,
    DisconnectedContext,
    PublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)


class Connection(ClientEventHandler):
    """Ends the program when the server says that it is of no use to come back."""

    def __init__(self, is_over: asyncio.Future[str]) -> None:
        self.is_over = is_over

    async def on_connecting(self, ctx) -> None:
        remark(f"connecting ({ctx.code}: {ctx.reason})")

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        if not self.is_over.done():
            self.is_over.set_result(f"{ctx.code}: {ctx.reason}")


class Room(SubscriptionEventHandler):
    """Shows messages, and says how many had been missed."""

    def __init__(self, is_over: asyncio.Future[str]) -> None:
        self.is_over = is_over
        self.back_at = 0.0
        self.missed = 0

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        if ctx.was_recovering and not ctx.recovered:
            remark("too much was missed; read the present state over REST")
        elif ctx.was_recovering:
            self.back_at, self.missed = time.time(), 0
        else:
            remark("subscribed")

    async def on_publication(self, ctx: PublicationContext) -> None:
        message = ctx.pub.data
        print(json.dumps(message), flush=True)
        if datetime.fromisoformat(message["time"]).timestamp() < self.back_at:
            self.missed += 1
            remark(f"missed while away: {self.missed}")

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        if not self.is_over.done():
            self.is_over.set_result(f"{ctx.code}: {ctx.reason}")


async def listen(options: argparse.Namespace) -> str:
    """Until it is over; why."""
    is_over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    address = "ws" + options.url.removeprefix("http") + "/connection/websocket"
    client = Client(
        address, events=Connection(is_over), token=options.token, max_reconnect_delay=10
    )
    room = client.new_subscription(options.room, Room(is_over))
    await client.connect()
    await room.subscribe()
    return await is_over


def remark(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (%(default)s)")
    parser.add_argument("--room", default="metrics", help="which room (%(default)s)")
    parser.add_argument("--token", default="", help="an access token, for rooms that want one")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(listen(parsed())))
    except KeyboardInterrupt:
        sys.exit(130)
