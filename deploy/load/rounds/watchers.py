"""Who notes when a round came by: `python -m deploy.load.rounds.watchers KIND FILE [...]`.

Lines are the number of the round and a time of the machine's clock in nanoseconds; the stream's
also has the time at which the reader made its document.
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

import psycopg
from redis import Redis
from websockets.asyncio.client import connect

from deploy.load.rounds.place import GAME, TOPIC

INSERT = "INSERT INTO datastream_round (game_id) VALUES (%s) RETURNING id"
WRITERS = 2


def write(out: IO[str], rate: str, seconds: str) -> None:
    """Commit single rows at a rate; before and after each commit are noted."""
    threads = [
        threading.Thread(target=_write, args=[out, float(rate) / WRITERS, float(seconds)])
        for _ in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(out: IO[str], rate: float, seconds: float) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        game = db.execute("SELECT id FROM datastream_game WHERE slug = %s", [GAME]).fetchone()
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            before = time.time_ns()
            (row,) = db.execute(INSERT, game, prepare=True).fetchone() or (0,)
            out.write(f"{row} {before} {time.time_ns()}\n")


def stream(out: IO[str]) -> None:
    """What stands in the change stream."""
    client: Any = Redis.from_url(os.environ["REDIS_URL"])
    place = "$"
    while True:
        found = client.xread({TOPIC: place}, block=1000)
        streams = found.values() if isinstance(found, dict) else [each[1:] for each in found]
        entries = next(iter(streams), [()])[0]
        now = time.time_ns()
        for name, fields in entries or ():
            place = name.decode()
            document = json.loads(fields[b"value"])
            out.write(f"{document['after']['id']} {now} {document['ts_us'] * 1000}\n")


def projected(out: IO[str]) -> None:
    """What the projector has published for other programs."""
    client: Any = Redis.from_url(os.environ["REDIS_URL"])
    channel = client.pubsub()
    channel.subscribe(f"stream:{GAME}")
    for message in channel.listen():
        if message["type"] == "message":
            out.write(f"{json.loads(message['data'])['id']} {time.time_ns()}\n")


def socket(out: IO[str]) -> None:
    """A client of the Centrifugo protocol in the room of all games."""
    asyncio.run(_socket(out))


async def _socket(out: IO[str]) -> None:
    url = f"ws://127.0.0.1:{os.environ['PORT']}/connection/websocket"
    async with connect(url, compression=None, proxy=None, ping_interval=None) as client:
        await client.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"games"}}')
        async for text in client:
            now = time.time_ns()
            for line in str(text).splitlines():
                message = json.loads(line)
                if not message:
                    await client.send("{}")
                elif pub := message.get("push", {}).get("pub"):
                    out.write(f"{pub['data']['data']['id']} {now}\n")


def main() -> None:
    kinds: dict[str, Callable[..., None]] = {
        "write": write,
        "stream": stream,
        "projected": projected,
        "socket": socket,
    }
    with open(sys.argv[2], "w", buffering=1) as out:
        kinds[sys.argv[1]](out, *sys.argv[3:])


if __name__ == "__main__":
    main()
