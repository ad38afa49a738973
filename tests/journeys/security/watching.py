"""Somebody who is connected in every way, and when each of them was ended."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.apps.realtime.live import Web
from tests.apps.realtime.sse.stream import CONNECTED, Stream
from tests.patience import PATIENCE_S, PATIENT
from tests.veza.asgi.wire import CERTIFICATES


@dataclass(kw_only=True)
class Ways:
    """What is open under one token. Times are Unix seconds."""

    token: str
    ports: Sequence[int]
    ended_at: dict[str, float] = field(default_factory=dict)
    codes: dict[str, int | None] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)

    def statuses(self) -> list[int]:
        """What each process answers now."""
        return [self._status(port) for port in self.ports]

    def watch_refusals(self) -> None:
        """Ask every process, until each has refused."""
        waiting, deadline = set(self.ports), time.monotonic() + PATIENCE_S
        while waiting and time.monotonic() < deadline:
            for port in sorted(waiting):
                if self._status(port) == httpx.codes.UNAUTHORIZED:
                    self.ended_at[f"rest {port}"] = time.time()
                    waiting.discard(port)
            time.sleep(0.05)
        self.watch_ends()

    def watch_ends(self) -> None:
        """Wait until every stream and socket has ended."""
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def late(self, done_at: float, *, code: int) -> dict[str, float]:
        """How long after `done_at` each has ended; the sockets with this code."""
        assert {told for name, told in self.codes.items() if "sse" not in name} == {code}
        return {name: at - done_at for name, at in self.ended_at.items()}

    def begin(self, name: str, watch: Callable[[], int | None]) -> None:
        """Note when and with which code it ends, on a thread."""

        def run() -> None:
            code = watch()
            self.ended_at[name], self.codes[name] = time.time(), code

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _status(self, port: int) -> int:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"http://127.0.0.1:{port}/api/v1/users/me"
        return httpx.get(url, headers=headers, timeout=PATIENCE_S, verify=CERTIFICATES).status_code


@contextmanager
def connected(webs: Sequence[Web], api_port: int, token: str) -> Iterator[Ways]:
    """A stream and both kinds of sockets on each web process, and a token that every process has
    just believed.
    """
    ways = Ways(token=token, ports=[*(web.port for web in webs), api_port])
    headers = {"Authorization": f"Bearer {token}"}
    with ExitStack() as stack:
        for web in webs:
            stream = stack.enter_context(Stream(web.port, headers=headers))
            assert stream.next() == CONNECTED
            ways.begin(f"sse {web.port}", partial(_end_of_stream, stream))
            for path in ("/connection/websocket", "/ws"):
                connecting = connect(
                    web.ws_url + path, proxy=None, compression=None, **PATIENT,
                    additional_headers=headers if path == "/ws" else None,
                )  # fmt: skip
                socket = stack.enter_context(connecting)
                _greet(socket, path, token)
                ways.begin(f"{path} {web.port}", partial(_end_of_socket, socket))
        assert ways.statuses() == [200] * len(ways.ports)
        yield ways


def _greet(socket: ClientConnection, path: str, token: str) -> None:
    if path == "/ws":
        socket.send(json.dumps({"type": "ping"}))
        assert json.loads(socket.recv(PATIENCE_S))["type"] == "pong"
    else:
        socket.send(json.dumps({"id": 1, "connect": {"token": token}}))
        assert "connect" in json.loads(socket.recv(PATIENCE_S))


def _end_of_stream(stream: Stream) -> None:
    try:
        stream.rest()
    except TimeoutError:
        time.sleep(PATIENCE_S)


def _end_of_socket(socket: ClientConnection) -> int | None:
    try:
        while True:
            said = socket.recv()
            if said == "{}":
                socket.send("{}")
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
