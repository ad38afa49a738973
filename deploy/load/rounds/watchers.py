"""Who commits rounds, and who notes when they came by.

    python -m deploy.load.rounds.watchers write FOLDER RATE SECONDS
    python -m deploy.load.rounds.watchers watch FOLDER ROUNDS

What is measured shares the cores with them, so they do little: bytes are kept as they came, with
the time, and are read when all is over. Lines of the files that they leave are the number of a
round and times of the machine's clock in nanoseconds.
"""

import gc
import os
import re
import selectors
import socket
import sys
import threading
import time
from bisect import bisect_left
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hiredis
from psycopg import pq

from deploy.load.rounds.place import GAME, TOPIC

INSERT = b"INSERT INTO datastream_round (game_id) VALUES ($1) RETURNING id"
GAME_ID = b"SELECT id FROM datastream_game WHERE slug = $1"
WRITERS = 2
RECEIVED = 1 << 16
HELLO = b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"games"}}'
JOINED = b'"subscribe":{'
PING = b"\x81\x02{}"
ROUND = rb'"data":\{"id":(\d+),'
IN_SOCKET, IN_CHANNEL = re.compile(ROUND), re.compile(rb'\{"id":(\d+),"game_id"')
IN_STREAM = re.compile(rb'"after":\{"id":(\d+),.*"ts_us":(\d+)')

Lines = list[tuple[int, ...]]


def write(folder: Path, rate: float, seconds: float) -> None:
    """Commit single rows at a rate; before and after each commit are noted."""
    noted: list[Lines] = [[] for _ in range(WRITERS)]
    threads = [
        threading.Thread(target=_write, args=[each, rate / WRITERS, seconds]) for each in noted
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _leave(folder / "written", [line for each in noted for line in each])


def _write(noted: Lines, rate: float, seconds: float) -> None:
    db = pq.PGconn.connect(os.environ["DATABASE_URL"].encode())
    game = db.exec_params(GAME_ID, [GAME.encode()]).get_value(0, 0) or b""
    db.prepare(b"insert", INSERT)
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        before = time.time_ns()
        row = db.exec_prepared(b"insert", [game]).get_value(0, 0)
        noted.append((int(row or b""), before, time.time_ns()))


class Bytes:
    """What came over one connection, and when."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._chunks: list[bytes] = []
        self._times: list[int] = []

    def take(self) -> bytes:
        """Keep what has come."""
        data = self.connection.recv(RECEIVED)
        self._times.append(time.time_ns())
        self._chunks.append(data)
        return data

    def lines(self, pattern: re.Pattern[bytes]) -> Lines:
        """The groups of each match, and when its last byte had come."""
        ends = list(accumulate(map(len, self._chunks)))
        return [
            (*map(int, match.groups()), self._times[bisect_left(ends, match.end())])
            for match in pattern.finditer(b"".join(self._chunks))
        ]


class Stream(Bytes):
    """What stands in the change stream."""

    def __init__(self) -> None:
        super().__init__(_redis())
        self._reader: Any = hiredis.Reader()
        self._ask(b"$")

    def take(self) -> bytes:
        data = super().take()
        self._reader.feed(data)
        if answer := self._reader.gets():
            self._ask(answer[0][1][-1][0])
        return data

    def _ask(self, after: bytes) -> None:
        self.connection.sendall(_command("XREAD", "BLOCK", 0, "STREAMS", TOPIC, after))


class Channel(Bytes):
    """What the projector has published for other programs."""

    def __init__(self) -> None:
        super().__init__(_redis())
        self.connection.sendall(_command("SUBSCRIBE", f"stream:{GAME}"))
        self.take()


class Client(Bytes):
    """A client of the Centrifugo protocol in the room of all games."""

    def __init__(self) -> None:
        super().__init__(socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))))
        self.connection.sendall(
            b"GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        while b"\r\n\r\n" not in self.take():
            pass
        self._send(HELLO)
        while JOINED not in self.take():
            pass

    def take(self) -> bytes:
        data = super().take()
        if PING in data:
            self._send(b"{}")
        return data

    def _send(self, text: bytes) -> None:
        """A frame with a mask of zeros."""
        self.connection.sendall(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)


def watch(folder: Path, rounds: int) -> None:
    """Until so many rounds came to the client. The file `watching` tells that it has begun."""
    stream, channel, client = Stream(), Channel(), Client()
    waiting = selectors.DefaultSelector()
    for each in (stream, channel, client):
        waiting.register(each.connection, selectors.EVENT_READ, each)
    (folder / "watching").touch()
    gc.disable()
    tail, come = b"", 0
    while come < rounds:
        for key, _ in waiting.select():
            data = key.data.take()
            if key.data is client:
                seen = tail + data
                come += seen.count(b'"round.finished"')
                tail = seen[-len(b'"round.finished"') + 1 :]
    _leave(folder / "seen-stream", stream.lines(IN_STREAM))
    _leave(folder / "seen-projected", channel.lines(IN_CHANNEL))
    _leave(folder / "seen-socket", client.lines(IN_SOCKET))


def _redis() -> socket.socket:
    address = urlsplit(os.environ["REDIS_URL"])
    return socket.create_connection((address.hostname or "", address.port or 6379))


def _command(*words: Any) -> bytes:
    pack: Any = hiredis.pack_command
    packed: bytes = pack(words)
    return packed


def _leave(file: Path, lines: Lines) -> None:
    file.write_text("".join(" ".join(map(str, line)) + "\n" for line in lines))


def main() -> None:
    kind, folder, *numbers = sys.argv[1:]
    if kind == "write":
        write(Path(folder), float(numbers[0]), float(numbers[1]))
    else:
        watch(Path(folder), int(numbers[0]))


if __name__ == "__main__":
    main()
