#!/usr/bin/env python
"""What many connections cost Veza: on one process, and shared by several behind one port.

    DATABASE_URL=postgres://... REDIS_URL=redis://... .venv/bin/python deploy/load/crowds.py

Of a process and of each client no more are opened than it may have files. The processes and the
clients share the cores, so deliveries/s of several processes say little on a machine of two cores.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # not this directory, whose names would hide others

from deploy.load.bench.client import Client, Seen, build, client  # noqa: E402
from deploy.load.bench.processes import open_files, pinned, usage  # noqa: E402
from deploy.load.bench.target import Place, Server  # noqa: E402
from deploy.load.peers import veza  # noqa: E402

SPARE_FILES = 500
"""What a process needs besides its connections."""
OF_ONE_CLIENT = 14_000
"""As many local ports as one address has to another are fewer than a client may have files."""
PARTS = ["idle", "processes"]
SETTLED_CPU_S = 0.1
BEYOND = (100_000, 250_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idle", type=int, default=10_000, help="connections of each kind (10000)")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--each", type=int, default=10_000, help="connections of a process (10000)")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_FILES
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    anywhere = partial(pinned, core="")
    place = Place(environ=environ, pinned=anywhere, beside=anywhere)
    build()
    try:
        veza.prepare(place)
        if "idle" in options.part:
            for transports in [*((each,) for each in veza.TRANSPORTS), ("centrifugo", "sse")]:
                _idle(place, transports, count=min(options.idle, most // len(transports)))
        for processes in options.processes if "processes" in options.part else ():
            _shared(
                place, processes=processes, each=min(options.each, most), seconds=options.seconds
            )
    finally:
        veza.close()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _idle(place: Place, transports: Sequence[str], *, count: int) -> None:
    """Memory and CPU of connections that only wait, on one process."""
    with veza.serve_all(place, transports=transports) as servers:
        _settle(servers[0].pid)
        before = usage(servers[0].pid)
        with _clients([(server, 1, count) for server in servers]) as crowd:
            opened = sum(each.do("connect").connected for each in crowd)
            for each in crowd:
                each.do("idle 1")
            after = usage(servers[0].pid)
    print(
        f"idle, {' and '.join(transports):22}{opened:7,} connections"
        f"{(after.rss_bytes - before.rss_bytes) / 1024 / max(1, opened):7.1f} KB each"
        f"{(after.cpu_s - before.cpu_s) * 1e3 / max(1, opened):7.2f} ms of CPU to come",
        flush=True,
    )


def _shared(place: Place, *, processes: int, each: int, seconds: float) -> None:
    """All in one room, spread by the kernel over processes that accept from one socket."""
    total = processes * each
    with veza.serve_all(place, transports=("backbone",), processes=processes) as (server,):
        _settle(server.pid)
        before = usage(server.pid)
        shares = [
            (server, number, min(OF_ONE_CLIENT, total - first))
            for number, first in enumerate(range(0, total, OF_ONE_CLIENT), 1)
        ]
        with _clients(shares) as crowd:
            opened = sum(each.do("connect").connected for each in crowd)
            for each_client in crowd:
                each_client.do("idle 1")
            idle = usage(server.pid)
            seen = _fan_out(crowd, seconds=seconds)
            used = usage(server.pid).cpu_s - idle.cpu_s
            shares_of_processes = open_files(server.pid)
    deliveries = sum(one.deliveries for one in seen)
    memory = (idle.rss_bytes - before.rss_bytes) / max(1, opened)
    print(
        f"{processes} processes{opened:9,} connections{memory / 1024:7.1f} KB each"
        f"{idle.rss_bytes / 2**20:8,.0f} MB in all"
        f"{deliveries / max(one.seconds for one in seen):12,.0f} deliveries/s"
        f"{used * 1e6 / max(1, deliveries):7.2f} CPU s per million"
        f"{sum(one.lost for one in seen):4} lost{sum(one.doubled for one in seen):4} doubled",
        flush=True,
    )
    if processes > 1:
        print(f"   open files of each process: {shares_of_processes}")
        for count in BEYOND:
            needed = count / each
            print(
                f"   extrapolated: {count:9,} connections, {needed:.0f} processes,"
                f" {(before.rss_bytes / processes * needed + memory * count) / 2**30:.1f} GB"
            )


def _settle(pid: int) -> None:
    """Until all processes have started: the port is open before the last of them serves it."""
    before = -1.0
    while (now := usage(pid).cpu_s) - before > SETTLED_CPU_S:
        before = now
        time.sleep(1)


def _fan_out(crowd: Sequence[Client], *, seconds: float) -> list[Seen]:
    """The first client publishes when all of its own have got what it published before."""
    first, *others = crowd
    seen: list[Seen] = []
    for command, follow_s in (("warm", 5.0), (f"closed 1 {seconds:g}", seconds + 3)):
        for each in others:
            each.begin(f"observe {follow_s:g}")
        seen = [first.do(command), *(each.end() for each in others)]
    return seen


@contextmanager
def _clients(shares: Sequence[tuple[Server, int, int]]) -> Iterator[list[Client]]:
    """(server, last number of the address to go to, connections) of each."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                client(
                    server, core="", host=f"127.0.0.{number}", subscribers=count,
                    **({} if at == 0 else {"publish": "none"}),
                )
            )
            for at, (server, number, count) in enumerate(shares)
        ]  # fmt: skip


if __name__ == "__main__":
    main()
