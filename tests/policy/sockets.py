"""Says one thing on a socket or stream as one caller, and tells what was answered.

A connection is kept for all that a caller says at one address, and made anew when it has ended.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.apps.realtime.live import Web
from tests.apps.realtime.sse.stream import Stream
from tests.apps.realtime.webtransport.blocking import BlockingSession
from tests.patience import PATIENCE_S, PATIENT
from tests.policy.matrix import Outcome, Row

DONE = Outcome(code="done")
Frame = dict[str, Any]


@dataclass(kw_only=True)
class Line:
    """What a caller holds at one address."""

    web: Web
    path: str
    token: str
    tokens: Mapping[str, str]
    names: Mapping[str, str]
    """What stands for `owner` and `absent` in the names of rooms."""
    _socket: ClientConnection | None = field(default=None, init=False)
    _over_quic: BlockingSession | None = field(default=None, init=False)
    _open_now: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def say(self, row: Row) -> Outcome:
        """What a row says, and what comes back."""
        ways: Mapping[str, Callable[[Row], Outcome]] = {
            "/connection/websocket": self._command,
            "/ws": partial(self._frame, is_consumer=True),
            "/ws/ingest": partial(self._frame, is_consumer=False),
            "/api/v1/events/watch": self._watch,
            "/wt": self._session,
        }
        try:
            return ways[self.path](row)
        except ConnectionClosed:
            return self._ended()

    def _ended(self) -> Outcome:
        code = self._socket.close_code if self._socket else None
        self._hang_up()
        return Outcome(status=code or 0)

    def _hang_up(self) -> None:
        self._open_now.close()
        self._socket = self._over_quic = None

    def _open(self, headers: Mapping[str, str]) -> tuple[ClientConnection, bool]:
        """The connection, and whether it is a new one."""
        if self._socket is not None:
            return self._socket, False
        connecting = connect(
            self.web.ws_url + self.path, additional_headers=headers, proxy=None,
            compression=None, **PATIENT,
        )  # fmt: skip
        self._socket = self._open_now.enter_context(connecting)
        return self._socket, True

    def _room(self, row: Row) -> str:
        return str(row.says.get("room", "")).format_map(self.names)

    # --- the application socket -----------------------------------------------------------------

    def _command(self, row: Row) -> Outcome:
        socket, is_new = self._open({})
        if is_new:
            code = self._ask(socket, "connect", {"token": self.token})
            if code or row.verb == "connect":
                self._hang_up()
                return Outcome(status=code)
        code = self._ask(socket, row.verb, self._request(row))
        if row.verb == "subscribe" and not code:
            self._ask(socket, "unsubscribe", {"channel": self._room(row)})
        return Outcome(status=code)

    def _request(self, row: Row) -> Frame:
        if row.verb in ("refresh", "sub_refresh"):
            return {"token": self.tokens[row.says["token"]] if "token" in row.says else self.token}
        data = {"data": {"text": "hello"}} if row.verb == "publish" else {}
        return {"channel": self._room(row), **data} if "room" in row.says else {}

    def _ask(self, socket: ClientConnection, method: str, request: Frame) -> int:
        """The code of the error in the reply, 0 for none. `send` has no reply: a ping tells."""
        if method == "send":
            socket.send(json.dumps({"send": {}}))
            method = "ping"
        socket.send(json.dumps({"id": 7, method: request}))
        while True:
            text = str(socket.recv(PATIENCE_S))
            for reply in map(json.loads, text.split("\n")):
                if reply.get("id") == 7:
                    return int(reply.get("error", {}).get("code", 0))

    # --- the sockets of programs ----------------------------------------------------------------

    def _frame(self, row: Row, *, is_consumer: bool) -> Outcome:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        socket, _ = self._open(headers)
        room = self._room(row)
        if row.says.get("joined"):
            self._answer(socket, {"type": "join", "room": room})
        told = self._answer(socket, self._content(row, room))
        if is_consumer and room:
            self._answer(socket, {"type": "leave", "room": room})
        if row.verb == "auth":
            self._hang_up()
        return told

    def _content(self, row: Row, room: str) -> Frame:
        if row.verb == "auth":
            token = self.tokens[row.says["token"]] if "token" in row.says else self.token
            return {"type": "auth", "token": token}
        more: Frame = {"room": room} if room else {}
        if row.verb == "message":
            more["data"] = "hello"
        if row.verb == "price_update":
            more |= {"instrument": "POLICY", "price": 1.5, "ts": 1}
        return {"type": row.verb, **more}

    def _answer(self, socket: ClientConnection, frame: Frame) -> Outcome:
        """Good frames may have no answer: what comes before that to a ping is it.

        To who must show a token first the ping is an error, too.
        """
        socket.send(json.dumps(frame))
        socket.send(json.dumps({"type": "ping"}))
        codes: list[str] = []
        pongs = 2 if frame["type"] == "ping" else 1
        while pongs > 0 and len(codes) < 2:
            got = json.loads(socket.recv(PATIENCE_S))
            if got["type"] == "error":
                codes.append(got["code"])
            pongs -= got["type"] == "pong"
        return Outcome(code=codes[0]) if codes else DONE

    # --- WebTransport ---------------------------------------------------------------------------

    def _session(self, row: Row) -> Outcome:
        if self._over_quic is None:
            url = self.web.call("GET", "/api/v1/webtransport").json()["url"]
            session = BlockingSession(urlsplit(url).port or 0, token=self.token)
            self._over_quic = self._open_now.enter_context(session)
        session, room = self._over_quic, self._room(row)
        if row.says.get("joined"):
            session.ask({"type": "subscribe", "room": room})
        answer = session.ask(self._content(row, room))
        if answer is None:
            code = session.ended
            self._hang_up()
            return Outcome(status=code)
        if row.verb == "subscribe" and answer["type"] == "ack":
            session.ask({"type": "unsubscribe", "room": room})
        if row.verb == "auth" and answer["type"] != "error":
            self._hang_up()
        return Outcome(code=answer["code"]) if answer["type"] == "error" else DONE

    # --- streams --------------------------------------------------------------------------------

    def _watch(self, row: Row) -> Outcome:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with Stream(self.web.port, headers=headers, rooms=self._room(row)) as stream:
            code = "" if stream.status == 200 else stream.problem["code"]
            return Outcome(status=stream.status, code=code)
