"""A program on the event backbone, and the frames that it sees."""

import json
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.apps.realtime.live import Account, Live, Web
from tests.patience import PATIENCE_S, PATIENT

_numbers = count(1)

Frame = dict[str, Any]


class Program:
    """One socket. What it waits for comes, or the test fails."""

    def __init__(self, web: Web, path: str, *, token: str = "", **headers: str) -> None:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._connecting = connect(
            web.ws_url + path, additional_headers=headers, proxy=None, **PATIENT,
            compression=None, max_size=None, max_queue=None,
        )  # fmt: skip
        self.socket: ClientConnection = self._connecting.__enter__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, **frame: Any) -> Self:
        self.socket.send(json.dumps(frame))
        return self

    def send_text(self, text: str) -> Self:
        self.socket.send(text)
        return self

    def get(self) -> Frame:
        """The next frame."""
        frame: Frame = json.loads(self.socket.recv(PATIENCE_S))
        return frame

    def has_more(self, *, within_s: float) -> bool:
        """Whether a frame came within the time; it is read."""
        try:
            self.socket.recv(within_s)
        except TimeoutError:
            return False
        return True

    def code(self) -> str:
        """The code of the next frame, which is an error."""
        frame = self.get()
        assert frame.keys() == {"type", "code", "detail"}
        assert frame["type"] == "error"
        assert frame["detail"]
        code: str = frame["code"]
        return code

    def rest(self) -> list[Frame]:
        """All that has come until the answer to a ping."""
        self.send(type="ping")
        frames = []
        while (frame := self.get())["type"] != "pong":
            frames.append(frame)
        return frames

    def join(self, room: str) -> Self:
        """Be acknowledged. A warm start stays unread."""
        self.send(type="join", room=room)
        assert self.get() == acked("subscribed", room)
        return self

    def closed(self) -> int:
        """The close code, once the server has closed; what comes before is left out."""
        with suppress(ConnectionClosed):
            while True:
                self.socket.recv(PATIENCE_S)
        code = self.socket.close_code
        assert code is not None
        return code

    @property
    def reason(self) -> str:
        """Why it was closed, in words."""
        return self.socket.close_reason or ""


def acked(action: str, room: str) -> Frame:
    return {"type": "ack", "data": {"action": action, "room": room}}


def price_frame(room: str, price: float, ts: float = 1, *, warm: bool = False) -> Frame:
    """What a consumer gets of a price; `room` as he called it."""
    data = {
        "type": "price_update",
        "instrument": room.removeprefix("instrument:"),
        "price": price,
        "ts": ts,
    }
    return {"type": "price_update", "room": room, "data": data} | ({"warm": True} if warm else {})


def consumer(web: Web, *, token: str = "", **headers: str) -> Program:
    return Program(web, "/ws", token=token, **headers)


def ingestor(web: Web, *, token: str = "", **headers: str) -> Program:
    return Program(web, "/ws/ingest", token=token, **headers)


def tell(program: Program, instrument: str, price: float, ts: float = 1) -> None:
    """Send a price, and return when the server has taken it."""
    program.send(type="price_update", instrument=instrument, price=price, ts=ts)
    assert program.rest() == []


def new_instrument() -> str:
    """A name that no test has used: prices live longer than tests."""
    return f"T{next(_numbers)}-{id(_numbers)}"


def data_producer(live: Live) -> Account:
    """Somebody whose token is good for /ws/ingest."""
    account = live.web.register()
    live.query(
        "INSERT INTO accounts_userrole (user_id, role_id, created_at) VALUES (%s, %s, now())",
        account.id, "ingestor",
    )  # fmt: skip
    return account


def host_of(web: Web) -> str:
    return urlsplit(web.base_url).netloc
