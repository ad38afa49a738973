"""Each transport as a client that comes back: what it is told of a place in the log."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from centrifuge.protocol.client_pb2 import Command, Reply  # type: ignore[import-untyped]
from google.protobuf.json_format import (  # type: ignore[import-untyped]
    MessageToDict,
    ParseDict,
)
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.apps.realtime.live import Live, Web
from tests.apps.realtime.sse.stream import CONNECTED, Stream
from tests.patience import PATIENCE_S, PATIENT

PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Place:
    """How a client names where it was: by an id where that is asked for, else by a position."""

    id: str | None = None
    offset: int | None = None
    epoch: str = ""


@dataclass(frozen=True)
class Told:
    """That it cannot be said what was missed, in the transport's own words, and the head."""

    reason: str
    epoch: str = ""
    position: int = 0


Answer = list[str] | Told
"""The ids of what was missed, in order, doubles too."""
Resume = Callable[[Live, Web, str, Place, int], Answer]


def by_events(live: Live, web: Web, room: str, place: Place, count: int) -> Answer:
    """SSE: `count` facts are waited for, or a reset where it is below 0; what happens then has to
    be the next.
    """
    headers = {} if place.id is None else {"Last-Event-ID": place.id}

    def now_comes(stream: Stream) -> bool:
        now = live.commit([{}], rooms=[room])
        return stream.facts(1) == now

    with Stream(web.port, rooms=room, headers=headers) as stream:
        assert stream.next() == CONNECTED
        first = stream.event() if count else None
        if first is not None and first.event == "reset":
            told = Told(first.json["reason"], first.json["epoch"], first.json["position"])
            assert now_comes(stream)
            return told
        found = [first.id or ""] if first else []
        found += stream.facts(count - len(found))
        assert now_comes(stream)
        return found


def by_list(live: Live, web: Web, room: str, place: Place, count: int) -> Answer:
    """The pull API, page by page."""
    found: list[str] = []
    query: dict[str, Any] = {"rooms": room, "limit": PAGE}
    if place.id is not None:
        query["after"] = place.id
    while True:
        answer = web.call("GET", "/api/v1/events", params=query)
        document = answer.json()
        if answer.status_code == 410:
            assert document["code"] == "cursor_lost"
            return Told(document["reason"], document["epoch"], document["position"])
        found += [fact["id"] for fact in document["results"]]
        if document["next"] is None:
            now = live.commit([{}], rooms=[room])
            live.wait_until_logged(now)
            if document["cursor"] is not None:  # the log is empty: it is still to be begun
                query["after"] = document["cursor"]
            after = web.call("GET", "/api/v1/events", params=query).json()["results"]
            assert [fact["id"] for fact in after] == now
            return found
        query["after"] = document["cursor"]


def by_json(live: Live, web: Web, room: str, place: Place, count: int) -> Answer:
    """The Centrifugo protocol in JSON."""
    with connect(
        f"{web.ws_url}/connection/websocket", proxy=None, max_size=None, **PATIENT
    ) as socket:
        return _resume(live, _JSON(socket), room, place)


def by_protobuf(live: Live, web: Web, room: str, place: Place, count: int) -> Answer:
    """The same in Protobuf, encoded by the published schema."""
    with connect(
        f"{web.ws_url}/connection/websocket", proxy=None, max_size=None, **PATIENT,
        subprotocols=["centrifuge-protobuf"],  # type: ignore[list-item] # a name of text
    ) as socket:  # fmt: skip
        return _resume(live, _Protobuf(socket), room, place)


class _JSON:
    """One command or reply at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.waiting: list[dict[str, Any]] = []

    def send(self, command: dict[str, Any]) -> None:
        self.socket.send(json.dumps(command))

    def get(self) -> dict[str, Any]:
        while not self.waiting:
            self.waiting = [reply for reply in self.read(self.socket.recv(PATIENCE_S)) if reply]
        return self.waiting.pop(0)

    def read(self, frame: Any) -> list[dict[str, Any]]:
        return [json.loads(line) for line in frame.split("\n")]


class _Protobuf(_JSON):
    def send(self, command: dict[str, Any]) -> None:
        encoded = ParseDict(command, Command()).SerializeToString()
        size = len(encoded)
        assert size < 2**14, "two bytes tell no greater size"
        head = bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))
        self.socket.send(head + encoded)

    def read(self, frame: Any) -> list[dict[str, Any]]:
        found, at = [], 0
        while at < len(frame):
            size = shift = 0
            while frame[at] >= 128:
                size |= (frame[at] & 127) << shift
                at, shift = at + 1, shift + 7
            size |= frame[at] << shift
            at += 1
            reply = Reply()
            reply.ParseFromString(frame[at : at + size])
            found.append(_plain(reply))
            at += size
        return found


def _plain(reply: Any) -> dict[str, Any]:
    document: dict[str, Any] = MessageToDict(reply, preserving_proto_field_name=True)
    publications = [(reply.push.pub, document.get("push", {}).get("pub"))]
    publications += zip(
        reply.subscribe.publications,
        document.get("subscribe", {}).get("publications", []),
        strict=True,
    )
    for message, shown in publications:
        if shown is not None:
            shown["data"] = json.loads(message.data)
    if "subscribe" in document:
        document["subscribe"]["offset"] = int(document["subscribe"].get("offset", 0))
    return document


def _resume(live: Live, client: _JSON, room: str, place: Place) -> Answer:
    client.send({"id": 1, "connect": {}})
    assert client.get()["connect"]["client"]
    command: dict[str, Any] = {"channel": room}
    if place.offset is not None:
        command |= {"recover": True, "offset": place.offset, "epoch": place.epoch}
    client.send({"id": 2, "subscribe": command})
    try:
        answer = client.get()["subscribe"]
    except ConnectionClosed as end:
        return Told(f"closed {end.rcvd.code if end.rcvd else None}")
    now = live.commit([{}], rooms=[room])
    assert client.get()["push"]["pub"]["data"]["id"] == now[0]
    assert answer.get("was_recovering", False) is (place.offset is not None)
    if place.offset is not None and not answer.get("recovered"):
        assert not answer.get("publications")
        return Told("not recovered", answer["epoch"], answer["offset"])
    return [publication["data"]["id"] for publication in answer.get("publications", [])]
