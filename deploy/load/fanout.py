#!/usr/bin/env python
"""How fast one message reaches many: Veza and its peers, over WebSocket and SSE, in one run.

Each server gets a core of its own, the client the next one. The client checks the number of every
message on every connection: what is lost or doubled is told. Absolute figures hold on this machine
and at this hour; compare ratios, and on a machine with other work on it the CPU time of a delivery.
A ratio above 1 says that Veza does better.

    DATABASE_URL=postgres://... REDIS_URL=redis://... .venv/bin/python deploy/load/fanout.py --quick
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # not this directory, whose names would hide others

from deploy.load.bench import facts, report  # noqa: E402
from deploy.load.bench.client import ClientError, build  # noqa: E402
from deploy.load.bench.processes import pinned  # noqa: E402
from deploy.load.bench.scenarios import CROWDS, Arrival, Crowd, Figure, measure  # noqa: E402
from deploy.load.bench.target import MissingError, Place, Target  # noqa: E402
from deploy.load.peers import golang, nchan, veza  # noqa: E402
from deploy.load.peers.catalogue import TARGETS  # noqa: E402
from deploy.services import apt  # noqa: E402

SERVER_CORE, CLIENT_CORE = "0", "1"
QUICK_SECONDS = 1.0


def main() -> None:
    options = _options()
    place = Place(
        environ={**os.environ, "PYTHONPATH": str(ROOT)},
        pinned=partial(pinned, core=SERVER_CORE),
        beside=partial(pinned, core=CLIENT_CORE),
    )
    print(f"client: {build()[0]}; load average {os.getloadavg()[0]:.1f}", flush=True)
    if options.install:
        _install()
    try:
        targets = _prepared(options.server, place)
        _run(targets, place=place, options=options)
        if "facts" in options.part:
            _facts(place, seconds=options.seconds)
    finally:
        veza.close()


def _options() -> argparse.Namespace:
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="1,000 subscribers, runs of 1 s")
    parser.add_argument("--seconds", type=float, default=2.5, help="of each run (2.5)")
    parser.add_argument("--rounds", type=int, default=1, help="the median counts (1)")
    parser.add_argument("--server", nargs="+", choices=names, default=names, metavar="NAME",
                        help=", ".join(names))  # fmt: skip
    crowds = "; ".join(f"{number}: {crowd.name}" for number, crowd in enumerate(CROWDS, 1))
    parser.add_argument("--crowd", nargs="+", type=int, choices=range(1, len(CROWDS) + 1),
                        default=[*range(1, len(CROWDS) + 1)],
                        help=crowds)  # fmt: skip
    parser.add_argument("--part", nargs="+", choices=["fanout", "facts"],
                        default=["fanout", "facts"],
                        help="fan-out, and the way of facts to the client")  # fmt: skip
    parser.add_argument("--install", action="store_true",
                        help="first install Go, nginx and nchan by apt-get")  # fmt: skip
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.crowd = QUICK_SECONDS, [1]
    return options


def _install() -> None:
    for packages in (golang.PACKAGES, nchan.PACKAGES):
        reason = apt.why_not()
        try:
            if not reason:
                apt.install(packages)
        except apt.InstallError as fault:
            reason = str(fault)
        print(f"{', '.join(packages)}: {reason or 'installed'}", flush=True)


def _prepared(names: Sequence[str], place: Place) -> list[Target]:
    """Those that can be had here; of the others it is told what they lack."""
    found: list[Target] = []
    lacks: dict[str, MissingError] = {}
    for target in TARGETS:
        if target.name not in names:
            continue
        try:
            target.prepare(place)
        except MissingError as fault:
            lacks[target.name] = fault
        else:
            found.append(target)
    for name, lack in lacks.items():
        print(f"left out: {name}: {lack}", flush=True)
    return found


def _run(targets: Sequence[Target], *, place: Place, options: argparse.Namespace) -> None:
    if "fanout" not in options.part:
        return
    figures: list[Figure] = []
    arrivals: list[Arrival] = []
    began = time.monotonic()
    for _ in range(options.rounds):
        for crowd in (CROWDS[number - 1] for number in options.crowd):
            for target in targets:
                _progress(crowd, target, began=began)
                if crowd.subscribers > target.most:
                    print(f"left out: made for {target.most:,} at most", flush=True)
                    continue
                for each in _measured(target, crowd, place=place, seconds=options.seconds):
                    if isinstance(each, Figure):
                        figures.append(each)
                    else:
                        arrivals.append(each)
    print(f"\n{report.tables(figures, arrivals)}\n")


def _progress(crowd: Crowd, target: Target, *, began: float) -> None:
    print(f"[{time.monotonic() - began:4.0f} s] {crowd.name}: {target.about}", flush=True)


def _measured(
    target: Target, crowd: Crowd, *, place: Place, seconds: float
) -> list[Figure | Arrival]:
    found: list[Figure | Arrival] = []
    try:
        for each in measure(target, crowd, place=place, core=CLIENT_CORE, seconds=seconds):
            found.append(each)
            if isinstance(each, Figure):
                print(f"         {each.load.name:27}{report.line(each, None)}", flush=True)
    except (MissingError, ClientError) as fault:
        print(f"         {target.name}: {fault}", flush=True)
    return found


def _facts(place: Place, *, seconds: float) -> None:
    print(
        f"Facts, from the commit to {facts.SUBSCRIBERS} clients, {facts.RATE} facts/s", flush=True
    )
    try:
        for way in facts.measure(place, core=CLIENT_CORE, seconds=max(seconds, 2)):
            print(
                f"{way.transport:17}p50 {way.seen.p50_ms:.1f} ms, p99 {way.seen.p99_ms:.1f} ms,"
                f" most {way.seen.worst_ms:.1f} ms; {way.written} facts, {way.seen.deliveries:,}"
                f" deliveries,"
                f" {way.seen.lost + way.written * facts.SUBSCRIBERS - way.seen.deliveries}"
                f" lost, {way.seen.doubled} doubled; load average {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    except (MissingError, ClientError) as fault:
        print(f"left out: {fault}")


if __name__ == "__main__":
    main()
