"""Clients of rounds that never give up, one kind for each way to hear of them.

Each comes back with the place that it has reached. What a room keeps is 1,000 rounds, so those who
ask the store rather than the memory of a process watch each game for itself.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.faults.rig.centrifugo import Reply, SocketWatcher, opened
from tests.faults.rig.history import Seen
from tests.faults.rig.sse import Stream
from tests.faults.rig.watchers import SILENCE_S, Start, Watcher

ALL = "games"
PAGE = 100
POLL_S = 0.2


def seen_round(envelope: dict[str, Any]) -> Seen:
    """A round that the publisher of the rig has written."""
    told = envelope["data"]
    return Seen(
        fact=str(told["id"]), position=envelope["position"], op=told["extras"].get("op"),
        subject=told["game_slug"], version=told["extras"].get("step"),
    )  # fmt: skip


class RoundWatcher(Watcher):
    """`place` is the id of the last message; `rooms` those of the games."""

    def __init__(
        self, name: str, *, ports: Callable[[], Sequence[int]], start: Start, games: Sequence[str]
    ) -> None:
        super().__init__(name, ports=ports, start=start, seed=len(name))
        self.place, self.position = start.fact, start.position
        self.rooms = [f"game:{slug}" for slug in games]

    def _tell(self, envelope: dict[str, Any]) -> None:
        self.place, self.position = envelope["id"], envelope["position"]
        self._take(seen_round(envelope))


class SseRounds(RoundWatcher):
    """Comes back with `Last-Event-ID`."""

    async def _watch(self, port: int) -> None:
        rooms = ",".join(self.rooms)
        stream = await Stream.open(port, rooms=rooms, after=self.place, is_whole=True)
        self.connects += 1
        try:
            while True:
                self._event(await stream.next())
        finally:
            stream.close()

    def _event(self, fields: dict[str, str]) -> None:
        kind = fields.get("event", "message")
        if kind == "reset":
            self.resets.append(json.loads(fields["data"])["reason"])
            self.place = fields["id"]
        elif kind != "message":
            self._tell(json.loads(fields["data"]))
        elif fields["data"] == "connected":
            self.is_connected.set()


class CentrifugoRounds(SocketWatcher):
    """Comes back with offset and epoch; beyond 300 it asks for pages of the history."""

    room = ALL

    def __init__(
        self, name: str, *, ports: Callable[[], Sequence[int]], start: Start, games: Sequence[str]
    ) -> None:
        super().__init__(name, ports=ports, start=start, seed=len(name))

    def _publication(self, publication: Reply) -> None:
        self._offset = publication["offset"]
        self._take(seen_round(publication["data"]))


class PullRounds(RoundWatcher):
    """Asks again and again for what came after the last."""

    async def _watch(self, port: int) -> None:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=SILENCE_S, trust_env=False
        ) as client:
            self.connects += 1
            self.is_connected.set()
            while True:
                if not await self._pull(client):
                    await asyncio.sleep(POLL_S)

    async def _pull(self, client: httpx.AsyncClient) -> bool:
        """One page; whether there is more."""
        query = urlencode({"after": self.place, "rooms": ",".join(self.rooms), "limit": PAGE})
        try:
            answer = await client.get(f"/api/v1/events?{query}")
        except httpx.HTTPError as fault:
            raise OSError(repr(fault)) from fault
        if answer.status_code == 410:
            self.resets.append(answer.json()["reason"])
        if answer.status_code != 200:
            raise OSError(f"status {answer.status_code}")
        page = answer.json()
        for envelope in page["results"]:
            self._tell(envelope)
        return page["next"] is not None


class BackboneRounds(PullRounds):
    """Joins the rooms on `/ws`; what it missed before the first frame that comes it asks for, since
    this socket has no memory.
    """

    async def _watch(self, port: int) -> None:
        async with (
            opened(port, "/ws") as socket,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=SILENCE_S, trust_env=False
            ) as client,
        ):
            waiting: list[dict[str, Any]] = []
            for room in self.rooms:
                await socket.send(json.dumps({"type": "join", "room": room}))
            acknowledged = 0
            while acknowledged < len(self.rooms):
                frame = json.loads(await asyncio.wait_for(socket.recv(), SILENCE_S))
                acknowledged += frame["type"] == "ack"
                waiting += [frame] if "position" in frame else []
            while await self._pull(client):
                pass
            self.connects += 1
            self.is_connected.set()
            for frame in waiting:
                self._frame(frame)
            while True:
                await self._listen(socket)

    async def _listen(self, socket: Any) -> None:
        try:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 1.5))
        except TimeoutError:
            await socket.send(json.dumps({"type": "ping"}))
            frame = json.loads(await asyncio.wait_for(socket.recv(), SILENCE_S))
        if "position" in frame:
            self._frame(frame)

    def _frame(self, frame: dict[str, Any]) -> None:
        if frame["position"] > self.position:  # else the list has told it
            self._tell(frame)


KINDS: dict[str, Callable[..., Watcher]] = {
    "sse": SseRounds, "centrifugo": CentrifugoRounds, "backbone": BackboneRounds,
    "pull": PullRounds,
}  # fmt: skip
