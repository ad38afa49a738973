"""A CONSUMER in a terminal: a table of rooms that lives, or a line of JSON a message."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from websockets.asyncio.client import ClientConnection

from veza.management.terminal.link import stay_connected
from veza.management.terminal.rates import Rate

FRAMES_A_SECOND = 4
FIRST_MILLISECONDS = 100_000_000_000
"""Times from here on are in milliseconds: in seconds this would be the year 5138."""


@dataclass
class _Row:
    """What is known of one room."""

    price: str = ""
    latency_ms: float | None = None
    rate: Rate = field(default_factory=Rate)


class Consume:
    """Joins the rooms, after each loss again; `at_most` messages, 0 for as long as it lasts."""

    def __init__(self, rooms: Sequence[str], *, at_most: int = 0, as_json: bool = False) -> None:
        self._rows = {room: _Row() for room in rooms}
        self._at_most = at_most
        self._as_json = as_json
        self._state = "connecting"
        self.received = Rate()

    async def run(self, url: str, *, token: str, console: Console) -> None:
        """Raises LinkError."""
        if self._as_json:
            self._console = console
            await stay_connected(url, token=token, use=self._read_all, tell=lambda state: None)
            return
        with Live(console=console, get_renderable=self._table, refresh_per_second=FRAMES_A_SECOND):
            await stay_connected(url, token=token, use=self._read_all, tell=self._tell)

    def summary(self) -> str:
        """One line for people."""
        return f"{self.received.total:,} received in {self.received.seconds:.1f} s"

    async def _read_all(self, link: ClientConnection) -> None:
        for room in self._rows:
            await link.send(json.dumps({"type": "join", "room": room}))
        async for text in link:
            if self._take(json.loads(text)) and self._is_done():
                return

    def _take(self, frame: dict[str, Any]) -> bool:
        """Whether it was a message of a room."""
        if frame.get("type") == "error":
            self._tell(f"{frame.get('code')}: {frame.get('detail')}")
        row = self._rows.get(str(frame.get("room")))
        if row is None:
            return False
        self.received.add()
        row.rate.add()
        if self._as_json:
            self._console.print_json(data=frame, indent=None)
        else:
            _show(row, frame)
        return True

    def _is_done(self) -> bool:
        return bool(self._at_most) and self.received.total >= self._at_most

    def _tell(self, state: str) -> None:
        self._state = state

    def _table(self) -> RenderableType:
        table = Table("room", title=f"{self._state}  {self.received.per_s:,.0f}/s")
        for title in ("price", "messages/s", "latency"):
            table.add_column(title, justify="right")
        for room, row in sorted(self._rows.items()):
            latency = "" if row.latency_ms is None else f"{row.latency_ms:,.0f} ms"
            table.add_row(room, row.price, f"{row.rate.per_s:,.1f}", latency)
        return table


def _show(row: _Row, frame: dict[str, Any]) -> None:
    data = frame.get("data")
    if not isinstance(data, dict) or "price" not in data:
        row.price = json.dumps(data)[:40]
        return
    row.price = f"{data['price']}"
    if not frame.get("warm"):
        ts = data["ts"]
        ts_ms = ts if ts >= FIRST_MILLISECONDS else ts * 1000
        row.latency_ms = max(0.0, time.time() * 1000 - ts_ms)
