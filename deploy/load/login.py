#!/usr/bin/env python
"""What does a login cost besides its hash, and who waits for it? One run, the server on one core.

First the bare hash of the password, then logins one after the other. Then several people sign in
without a pause while a socket of the same process sends pings: were passwords hashed on the event
loop, each ping would wait for a whole hash.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from threading import Event

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")

import django  # noqa: E402
from django.contrib.auth.hashers import check_password, make_password  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402

from deploy.load.identity import CLIENT_CPU, PASSWORD, SERVER_CPU, post, running_web  # noqa: E402
from deploy.load.web_servers import cpu_s  # noqa: E402

WARM_UP = 3
PAUSE_S = 0.03  # slower than a socket's limit


def main() -> None:
    options = _options()
    if "DATABASE_URL" not in os.environ:
        sys.exit("Set DATABASE_URL, or run `make bench`, which finds or starts PostgreSQL.")
    django.setup()
    hash_ms = _bare_hash_ms(options.logins)
    os.sched_setaffinity(0, {int(CLIENT_CPU)})
    with running_web() as (pid, port):
        name = f"login{time.time_ns()}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        post(port, "/api/v1/auth/register", body)
        person = {"login": name, "password": PASSWORD}
        _print_logins(hash_ms, *_logins(pid, port, person, options.logins))
        with connect(f"ws://127.0.0.1:{port}/ws") as socket:
            print(f"{'ping of a socket':30}{'p50 ms':>9}{'p99 ms':>9}")
            _print_pings("nobody signs in", _pings(socket, options.pings))
            with ThreadPoolExecutor(options.people) as threads:
                done = Event()
                for _ in range(options.people):
                    threads.submit(_sign_in_until, done, port, person)
                try:
                    _print_pings(f"{options.people} sign in", _pings(socket, options.pings))
                finally:
                    done.set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logins", type=int, default=30, help="one after the other (30)")
    parser.add_argument("--people", type=int, default=4, help="who sign in at once (4)")
    parser.add_argument("--pings", type=int, default=300, help="of each round (300)")
    return parser.parse_args()


def _bare_hash_ms(times: int) -> float:
    """The middle time of checking one password, on the core that the server gets."""
    os.sched_setaffinity(0, {int(SERVER_CPU)})
    encoded = make_password(PASSWORD)
    return median(_timed_ms(lambda: check_password(PASSWORD, encoded)) for _ in range(times))


def _logins(pid: int, port: int, person: dict[str, str], times: int) -> tuple[float, float]:
    """The middle time of a login, and what the process worked for one, in milliseconds."""
    for _ in range(WARM_UP):
        post(port, "/api/v1/auth/login", person)
    before_s = cpu_s(pid)
    middle = median(
        _timed_ms(lambda: post(port, "/api/v1/auth/login", person)) for _ in range(times)
    )
    return middle, (cpu_s(pid) - before_s) * 1000 / times


def _pings(socket: ClientConnection, times: int) -> list[float]:
    def ping() -> None:
        socket.send('{"type":"ping"}')
        answer = socket.recv(timeout=30)
        if json.loads(answer)["type"] != "pong":
            sys.exit(f"No pong: {answer!r}")

    took_ms = []
    for _ in range(times):
        took_ms.append(_timed_ms(ping))
        time.sleep(PAUSE_S)
    return took_ms


def _sign_in_until(done: Event, port: int, person: dict[str, str]) -> None:
    while not done.is_set():
        post(port, "/api/v1/auth/login", person)


def _timed_ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _print_logins(hash_ms: float, login_ms: float, cpu_ms: float) -> None:
    print(f"{'':30}{'ms':>9}{'ratio':>9}")
    rows = (("bare hash", hash_ms), ("login", login_ms), ("login, CPU of the process", cpu_ms))
    for name, value in rows:
        print(f"{name:30}{value:9.1f}{value / hash_ms:9.2f}")


def _print_pings(name: str, took_ms: list[float]) -> None:
    print(f"{name:30}{median(took_ms):9.2f}{quantiles(took_ms, n=100)[98]:9.2f}")


if __name__ == "__main__":
    main()
