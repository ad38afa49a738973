# /// script
# requires-python = ">=3.11"
# dependencies = ["websockets>=15"]
# ///
"""Show the prices of instruments, the last one of each first, over the event backbone.

Comes back by itself after a cut, joins again, and is told the last price, so that nothing stale is
shown. Prices go to standard output, one JSON object a line; remarks go to standard error.
"""

import argparse
import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

FOR_GOOD = 3500
"""From this close code on it is of no use to come back."""


async def listen(options: argparse.Namespace) -> str:
    """Until the server refuses for good; why."""
    address = "ws" + options.url.removeprefix("http") + "/ws"
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else None
    last: dict[str, float] = {}
    async for socket in connect(address, additional_headers=headers):  # waits longer each time
        remark("connected")
        for room in options.rooms.split(","):
            await socket.send(json.dumps({"type": "join", "room": room}))
        try:
            async for text in socket:
                take(json.loads(text), last)
        except ConnectionClosed:
            pass
        if (socket.close_code or 0) >= FOR_GOOD:
            return f"{socket.close_code}: {socket.close_reason}"
        remark(f"cut off: {socket.close_code}")
    return ""


def take(frame: dict, last: dict[str, float]) -> None:
    """Show one frame."""
    if frame["type"] == "error":
        remark(f"{frame['code']}: {frame['detail']}")
    elif frame["type"] != "ack":
        if frame.get("warm") and last.get(frame["room"], frame["data"]) != frame["data"]:
            remark(f"{frame['room']} changed while away")
        last[frame["room"]] = frame["data"]
        print(json.dumps(frame), flush=True)


def remark(text: str) -> None:
    print(f"-- {text}", file=sys.stderr, flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (%(default)s)")
    parser.add_argument("--rooms", default="BTC_USDT", help="which instruments (%(default)s)")
    parser.add_argument("--token", default="", help="an access token, for rooms that want one")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(listen(parsed())))
    except KeyboardInterrupt:
        sys.exit(130)
