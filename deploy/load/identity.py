#!/usr/bin/env python
"""What does it cost to know the caller? One run, one core for the server, ratios to nobody.

A web process of the product is asked for the same open list without a token, with the token of a
session, and with an access token for programs. Rounds take turns, so that a noisy machine is noisy
for all; compare ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from deploy.load.clients import Wish, apply_load, pinned  # noqa: E402
from deploy.load.web_servers import cpu_s  # noqa: E402
from veza.embedded.ports import free_port  # noqa: E402

SERVER_CPU, CLIENT_CPU = "0", "1"
UNLIMITED = dict.fromkeys(("RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_LOGIN_PER_MINUTE"), str(10**9))
PATH = "/api/v1/instruments"
PASSWORD = "violet tape under rain"  # noqa: S105 - of a user of this benchmark


@dataclass
class Rounds:
    """What was seen of one kind of caller."""

    token: str
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def main() -> None:
    options = _options()
    if "DATABASE_URL" not in os.environ:
        sys.exit("Set DATABASE_URL, or run `make bench`, which finds or starts PostgreSQL.")
    print(
        f"GET {PATH}: {options.connections} connections, {options.rounds} x {options.seconds:g} s"
    )
    with running_web() as (pid, port):
        callers = _callers(port)
        for _ in range(options.rounds):
            for rounds in callers.values():
                _measure(rounds, pid=pid, port=port, options=options)
    _print(callers)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3, help="of each run (3)")
    parser.add_argument("--rounds", type=int, default=5, help="the middle one counts (5)")
    parser.add_argument("--connections", type=int, default=16, help="of the client (16)")
    return parser.parse_args()


def _callers(port: int) -> dict[str, Rounds]:
    name = f"load{time.time_ns()}"
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    access = post(port, "/api/v1/auth/register", body)["access"]
    made = subprocess.run(
        [sys.executable, "manage.py", "machine", "create", f"{name}-m", "--json"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return {
        "nobody": Rounds(""),
        "session": Rounds(access),
        "access token": Rounds(json.loads(made)["token"]),
    }


def _measure(rounds: Rounds, *, pid: int, port: int, options: argparse.Namespace) -> None:
    wish = Wish(port=port, path=PATH, token=rounds.token)
    apply_load(wish=wish, connections=options.connections, seconds=1, cpu=CLIENT_CPU)
    before_s = cpu_s(pid)
    load = apply_load(
        wish=wish, connections=options.connections, seconds=options.seconds, cpu=CLIENT_CPU
    )
    if load.failures:
        sys.exit(f"{load.failures} requests failed")
    rounds.per_second.append(load.requests / load.seconds)
    rounds.cpu_us.append((cpu_s(pid) - before_s) * 1e6 / load.requests)


def _print(callers: dict[str, Rounds]) -> None:
    base = callers["nobody"]
    print(f"{'':16}{'req/s':>9}{'ratio':>7}{'CPU us':>9}{'ratio':>7}")
    for name, rounds in callers.items():
        per_second, cpu_us = median(rounds.per_second), median(rounds.cpu_us)
        print(
            f"{name:16}{per_second:9.0f}{per_second / median(base.per_second):7.2f}"
            f"{cpu_us:9.0f}{cpu_us / median(base.cpu_us):7.2f}"
        )


@contextmanager
def running_web() -> Iterator[tuple[int, int]]:
    """The process id and the port of a web process on one core, on a migrated database."""
    port = free_port()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
    running = subprocess.Popen(
        pinned([sys.executable, "manage.py", "web", "--port", str(port)], cpu=SERVER_CPU),
        cwd=ROOT,
        env=os.environ | {**UNLIMITED, "LOG_LEVEL": "ERROR"},
    )
    try:
        _wait_for(port, running)
        yield running.pid, port
    finally:
        running.terminate()
        running.wait(timeout=30)


def _wait_for(port: int, running: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def post(port: int, path: str, body: dict[str, str]) -> dict[str, str]:
    """One request with JSON, and the JSON of its answer."""
    request = Request(
        f"http://127.0.0.1:{port}{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        found: dict[str, str] = json.load(answer)
    return found


if __name__ == "__main__":
    main()
