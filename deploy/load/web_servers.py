#!/usr/bin/env python
"""Which server runs Django best? One run, one core for the server, ratios to the first.

The subject is in subject.py: an empty view, and 20 rows of PostgreSQL through a serializer.
Absolute figures hold on this machine and at this hour; compare ratios, and on a machine with
other work on it the CPU time of a request.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from deploy.load.clients import Load, Wish, apply_load, pinned  # noqa: E402

TABLE = "veza_load_rows"
SERVER_CPU, CLIENT_CPU = "0", "1"
NAMES = {
    "asgi": "uvicorn, Django's ASGIHandler",
    "bridge": "uvicorn, our bridge",
    "granian": "granian, WSGI",
    "daphne": "daphne, Django's ASGIHandler",
}
THREADS = {"asgi": [1], "bridge": [1, 2, 4, 8], "granian": [1, 4], "daphne": [1]}
# Django's ASGIHandler asks for a connection in another thread each time, and none is given back.
ON_MANY_THREADS = ("asgi", "daphne")
CONNECTIONS = ("pool", "kept", "fresh")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One server under one view; the middle one of its rounds."""

    server: str
    threads: int
    per_second: float
    cpu_us: float
    load: Load

    @property
    def name(self) -> str:
        many = "s" if self.threads > 1 else ""
        own = self.server in ("bridge", "granian")
        return NAMES[self.server] + (f", {self.threads} thread{many}" if own else "")


def main() -> None:
    options = _options()
    if "DATABASE_URL" not in os.environ:
        sys.exit("Set DATABASE_URL, or run `make bench`, which finds or starts PostgreSQL.")
    with _rows():
        for how in options.database:
            for view in options.view:
                _measure_view(view, how=how, options=options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3, help="of each run (3)")
    parser.add_argument("--rounds", type=int, default=3, help="the middle one counts (3)")
    parser.add_argument("--connections", type=int, default=32, help="of the client (32)")
    parser.add_argument("--view", nargs="+", choices=["empty", "rows"], default=["empty", "rows"])
    parser.add_argument("--server", nargs="+", choices=[*NAMES], default=[*NAMES])
    parser.add_argument(
        "--database", nargs="+", choices=CONNECTIONS, default=["pool", "fresh"],
        help="psycopg's pool, a connection kept per thread, or one a request (pool fresh)",
    )  # fmt: skip
    return parser.parse_args()


def _measure_view(view: str, *, how: str, options: argparse.Namespace) -> None:
    print(f"\n/{view}, database connections: {how}; {options.connections} connections, "
          f"{options.rounds} x {options.seconds:g} s")  # fmt: skip
    print(f"{'':36}{'req/s':>9}{'ratio':>7}{'CPU us':>9}{'ratio':>7}{'p50 ms':>9}{'p99 ms':>9}")
    baseline: Figure | None = None
    for server in sorted(options.server, key=[*NAMES].index):
        if how == "kept" and server in ON_MANY_THREADS:
            print(f"{NAMES[server]:36}left out: it would use up PostgreSQL's connections")
            continue
        for threads in THREADS[server]:
            figure = _measure(server, threads=threads, view=view, how=how, options=options)
            baseline = baseline or figure
            print(_line(figure, baseline=baseline), flush=True)


def _line(figure: Figure, *, baseline: Figure) -> str:
    failures = f"  {figure.load.failures} failed" if figure.load.failures else ""
    return (
        f"{figure.name:36}"
        f"{figure.per_second:9.0f}{figure.per_second / baseline.per_second:7.2f}"
        f"{figure.cpu_us:9.0f}{figure.cpu_us / baseline.cpu_us:7.2f}"
        f"{figure.load.p50_ms:9.1f}{figure.load.p99_ms:9.1f}{failures}"
    )


def _measure(
    server: str, *, threads: int, view: str, how: str, options: argparse.Namespace
) -> Figure:
    with _running(server, threads=threads, how=how) as (pid, port):
        figures = []
        wish = Wish(port=port, path=f"/{view}")
        apply_load(wish=wish, connections=8, seconds=1, cpu=CLIENT_CPU)
        for _ in range(options.rounds):
            before_s = cpu_s(pid)
            load = apply_load(
                wish=wish, connections=options.connections,
                seconds=options.seconds, cpu=CLIENT_CPU,
            )  # fmt: skip
            cpu_us = (cpu_s(pid) - before_s) * 1e6 / load.requests
            per_second = load.requests / load.seconds
            figures.append(
                Figure(
                    server=server, threads=threads, per_second=per_second, cpu_us=cpu_us, load=load
                )
            )
    return sorted(figures, key=lambda figure: figure.per_second)[len(figures) // 2]


@contextmanager
def _running(server: str, *, threads: int, how: str) -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    argv = [sys.executable, "-m", "deploy.load.subject", server, str(port), str(threads)]
    environ = os.environ | {"VEZA_LOAD_CONNECTIONS": how, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(pinned(argv, cpu=SERVER_CPU), cwd=ROOT, env=environ)
    try:
        _wait_for(port, running)
        yield running.pid, port
    finally:
        running.terminate()
        try:
            running.wait(timeout=10)
        except subprocess.TimeoutExpired:
            for pid in [*descendants(running.pid), running.pid]:
                os.kill(pid, 9)
            running.wait()


def _wait_for(port: int, running: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while running.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/rows", timeout=5) as answer:
                answer.read()
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def descendants(pid: int) -> list[int]:
    children: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        children += map(int, path.read_text().split())
    return [*children, *(found for child in children for found in descendants(child))]


def cpu_s(pid: int) -> float:
    """CPU time of a process and its children (Linux)."""
    ticks = 0
    for number in [pid, *descendants(pid)]:
        fields: Sequence[str] = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _rows() -> Iterator[None]:
    """A table with the 20 rows, in the database of DATABASE_URL."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        database.execute(f"DROP TABLE IF EXISTS {TABLE}")
        database.execute(
            f"CREATE TABLE {TABLE} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " title text, owner text, plays int, created_at timestamptz DEFAULT now())"
        )
        database.execute(
            f"INSERT INTO {TABLE} (title, owner, plays)"  # noqa: S608 - our own name
            " SELECT 'A title of usual length ' || n, 'owner-' || n, n * 1000"
            " FROM generate_series(1, 20) n"
        )
        try:
            yield
        finally:
            database.execute(f"DROP TABLE {TABLE}")


if __name__ == "__main__":
    main()
