#!/usr/bin/env python
"""How much WebTransport brings to one client, and how soon; beside the WebSocket, in one run.

`flood`: prices, which other processes hand over by Redis, as fast as one client takes them. `way`:
from the commit of a fact to the client, at a fixed rate. Absolute figures hold on this machine and
at this hour; compare the ratios. The client is aioquic and Python, so it is the client that limits
WebTransport here; a browser takes more.

    DATABASE_URL=postgres://... REDIS_URL=redis://... .venv/bin/python deploy/load/webtransport.py
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # not this directory, whose names would hide others

from deploy.load.bench.processes import pinned, running  # noqa: E402
from deploy.load.bench.target import MissingError, Place  # noqa: E402
from deploy.load.peers import veza  # noqa: E402
from veza.embedded.ports import free_port, udp_port  # noqa: E402

SERVER_CORE, CLIENT_CORE = "0", "1"
ROOM = "instrument:LOAD"
FACTS = "metrics"
QUIET_S = 2.0
"""When nothing has come for so long, nothing more comes."""
TRANSPORTS = ("websocket", "webtransport")


def main() -> None:
    options = _options()
    if options.client:
        asyncio.run(_watch(options.client, port=options.port, room=options.room))
        return
    place = Place(
        environ={**os.environ, "PYTHONPATH": str(ROOT)},
        pinned=partial(pinned, core=SERVER_CORE),
        beside=partial(pinned, core=CLIENT_CORE),
    )
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
    try:
        with _servers(place) as ports:
            _tell_flood({name: _flood(place, name, ports[name], options) for name in TRANSPORTS})
            with veza.relay(place):
                _tell_way({name: _way(place, name, ports[name], options) for name in TRANSPORTS})
    except MissingError as fault:
        sys.exit(str(fault))
    finally:
        veza.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=60_000, help="of the flood (60,000)")
    parser.add_argument("--pace", type=int, default=30_000,
                        help="messages a second that are sent in the flood (30,000)")  # fmt: skip
    parser.add_argument("--rate", type=int, default=200, help="facts a second (200)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of facts (5)")
    parser.add_argument("--client", choices=TRANSPORTS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--room", help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def _servers(place: Place) -> Iterator[dict[str, int]]:
    """The web process and the process `webtransport`, on one core; their ports."""
    own, port, udp = veza.environ(place), free_port(), udp_port(4433)
    python = [sys.executable, "manage.py"]
    with ExitStack() as stack:
        start = partial(running, cwd=ROOT, env=own)
        stack.enter_context(
            start(place.pinned([*python, "web", "--port", str(port)]), port=port, name="veza-web")
        )
        stack.enter_context(
            start(
                place.pinned([*python, "webtransport", "--port", str(udp)]),
                port=None,
                name="veza-webtransport",
            )
        )
        told = Path(own["VEZA_DATA_DIR"]) / "webtransport" / "listening.json"
        while not told.exists():
            time.sleep(0.05)
        yield {"websocket": port, "webtransport": udp}


# --- what is measured ---------------------------------------------------------------------------


def _flood(place: Place, name: str, port: int, options: argparse.Namespace) -> dict[str, Any]:
    with _client(place, name, port, ROOM) as client:
        print(f"{name}: {options.messages:,} prices ...", flush=True)
        argv = [sys.executable, "-c", _PUBLISH, str(options.messages), str(options.pace)]
        subprocess.run(place.beside(argv), cwd=ROOT, env=veza.environ(place), check=True)
        return _told(client)


def _way(place: Place, name: str, port: int, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile() as stamps, _client(place, name, port, FACTS) as client:
        print(f"{name}: {options.rate} facts/s for {options.seconds:g} s ...", flush=True)
        stamps.write(bytes(8 * 1_000_000))
        stamps.flush()
        argv = [sys.executable, "-m", "deploy.load.bench.facts", stamps.name,
                str(options.rate), str(options.seconds)]  # fmt: skip
        subprocess.run(place.beside(argv), cwd=ROOT, env=veza.environ(place), check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        told = _told(client)
        stamps.seek(0)
        commits = memoryview(stamps.read()).cast("q")
        took = [(at - commits[int(value)]) / 1e6 for value, at in told["seen"]]
        cuts = quantiles(took, n=100)
        return {"count": len(took), "p50": cuts[49], "p99": cuts[98]}


_PUBLISH = """
import asyncio, os, sys, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
import django; django.setup()
from channels.layers import get_channel_layer
from apps.realtime.ephemera import ephemeral
from apps.realtime.fanout import ROOMS

async def publish(count, pace):
    layer, began, sent = get_channel_layer(), time.monotonic(), 0
    while sent < count:
        size = min(500, count - sent)
        items = [("instrument:LOAD", ephemeral("price_update", {
            "instrument": "LOAD", "price": float(sent + n + 1), "ts": 1}).envelope)
            for n in range(size)]
        await layer.group_send(ROOMS, {"type": ROOMS, "origin": "load", "items": items})
        sent += size
        await asyncio.sleep(max(0, began + sent / pace - time.monotonic()))

asyncio.run(publish(int(sys.argv[1]), int(sys.argv[2])))
"""


def _tell_flood(found: dict[str, dict[str, Any]]) -> None:
    rates = {}
    for name, each in found.items():
        seen = each["seen"]
        if not seen:
            print(f"{name}: nothing came")
            continue
        seconds = max((seen[-1][1] - seen[0][1]) / 1e9, 1e-9)
        rates[name] = (len(seen) - 1) / seconds
        in_order = all(b[0] > a[0] for a, b in pairwise(seen))
        print(f"{name}: {len(seen):,} came, {rates[name]:,.0f}/s, in order: {in_order}"
              f"{', ended ' + each['ended'] if each['ended'] else ''}")  # fmt: skip
    if len(rates) == len(TRANSPORTS):
        print(f"WebTransport / WebSocket: {rates['webtransport'] / rates['websocket']:.2f}")


def _tell_way(found: dict[str, dict[str, Any]]) -> None:
    for name, each in found.items():
        print(f"{name}: {each['count']:,} facts, commit to client p50 {each['p50']:.1f} ms,"
              f" p99 {each['p99']:.1f} ms")  # fmt: skip
    ratio = found["webtransport"]["p50"] / found["websocket"]["p50"]
    print(f"WebTransport / WebSocket, p50: {ratio:.2f}")


# --- the client, a process of its own -----------------------------------------------------------


@contextmanager
def _client(place: Place, name: str, port: int, room: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, __file__, "--client", name, "--port", str(port), "--room", room]
    client = subprocess.Popen(
        place.beside(argv), stdout=subprocess.PIPE, text=True, env={**place.environ}
    )
    try:
        if client.stdout is None or client.stdout.readline() != "watching\n":
            raise MissingError(f"The client of {name} did not get into {room}.")
        yield client
    finally:
        client.kill()
        client.wait()


def _told(client: "subprocess.Popen[str]") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.stdout.readline() if client.stdout else "{}")
    return found


class Seen:
    """Number and instant of every message; ends the process when nothing more comes."""

    def __init__(self) -> None:
        self.all: list[tuple[float, int]] = []
        self.ended = ""

    def take(self, data: dict[str, Any]) -> None:
        number = data.get("price", data.get("value"))
        if number is not None:
            self.all.append((number, time.monotonic_ns()))

    def watch(self) -> None:
        """In a thread: tell once it is quiet."""
        print("watching", flush=True)
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while not self.all or time.monotonic_ns() - self.all[-1][1] < QUIET_S * 1e9:
            time.sleep(0.1)
            if self.ended:
                break
        print(json.dumps({"seen": self.all, "ended": self.ended}), flush=True)


async def _watch(name: str, *, port: int, room: str) -> None:
    await (_over_websocket if name == "websocket" else _over_webtransport)(port, room)


async def _over_websocket(port: int, room: str) -> None:
    from websockets.asyncio.client import connect  # noqa: PLC0415 - a package of the tests

    seen = Seen()
    async with connect(f"ws://127.0.0.1:{port}/connection/websocket") as socket:
        await socket.send('{"id":1,"connect":{}}')
        await socket.send(json.dumps({"id": 2, "subscribe": {"channel": room}}))
        async for text in socket:
            for line in str(text).split("\n"):
                found = json.loads(line)
                if found.get("id") == 2:  # noqa: PLR2004
                    seen.watch()
                if not found:
                    await socket.send("{}")
                if "pub" in found.get("push", {}):
                    seen.take(found["push"]["pub"]["data"]["data"])


async def _over_webtransport(port: int, room: str) -> None:
    from tests.apps.realtime.webtransport.client import opened  # noqa: PLC0415 - as above

    seen = Seen()
    async with opened(port) as client:
        await client.subscribe(room)
        client.on_line = lambda line: seen.take(line["data"])
        seen.watch()
        await client.end()
        seen.ended = str(client.ending)
        await asyncio.sleep(2 * QUIET_S)


if __name__ == "__main__":
    main()
