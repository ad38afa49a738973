"""How fast the road of rounds is: rows captured, rounds projected, and each stage's latency.

    .venv/bin/python deploy/load/datastream.py

Starts PostgreSQL and Valkey of its own in a folder that it removes. Wants a quiet machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.load.rounds.latency import latencies
from deploy.load.rounds.place import Place, cpu_s, made, until

PARTS = ("capture", "projection", "latency")
GOAL_ROWS, GOAL_CPU_S = 10_000, 0.15
GOAL_ROUNDS, GOAL_OF_BARE = 50_000, 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000, help="rows to capture and project")
    parser.add_argument("--rate", type=int, default=1000, help="rounds/s of the latency part")
    parser.add_argument("--seconds", type=float, default=10, help="length of the latency part")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="veza-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - PostgreSQL runs as somebody else
        (Path(folder) / "logs").mkdir()
        with made(Path(folder)) as place:
            if {"capture", "projection"} & set(options.part):
                _capture(place, rows=options.rows)
            if "projection" in options.part:
                _projection(place)
            if "latency" in options.part:
                _latency(place, rate=options.rate, seconds=options.seconds)
    print(f"load average    {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _capture(place: Place, *, rows: int) -> None:
    """Rows that were committed one by one while nobody read, as fast as the reader can."""
    with place.roles("capture"):
        until(place.length, what="the stream has begun")
        time.sleep(1)
    place.insert(rows)
    before = place.length()
    with place.roles("capture") as (pid,):
        until(lambda: place.length() > before, what="rows come", every_s=0.001)
        began, first, used = time.perf_counter(), place.length(), cpu_s(pid)
        until(lambda: place.length() >= before + rows, what="all rows have come")
        took, count = time.perf_counter() - began, before + rows - first
        cpu = (cpu_s(pid) - used) / count * 10_000
    rate = count / took
    print(
        f"capture         {rate:,.0f} rows/s, {rate / GOAL_ROWS:.1f} times the goal;"
        f" {cpu:.2f} s of CPU for 10,000 rows, {GOAL_CPU_S / cpu:.2f} times better than the goal"
    )


def _projection(place: Place) -> None:
    """What is in the stream, as fast as the projector can; and the bare script with the same."""
    bare = float(
        subprocess.run(
            [sys.executable, "-m", "deploy.load.rounds.bare"],
            env=place.env, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
    )  # fmt: skip
    rounds = place.length() - 2  # the epoch has a beginning and an end
    with place.roles("projector") as (pid,):
        until(place.head, what="rounds are projected", every_s=0.001)
        began, first, used = time.perf_counter(), place.head(), cpu_s(pid)
        until(lambda: place.head() >= rounds, what="all rounds are projected")
        took, cpu = time.perf_counter() - began, cpu_s(pid) - used
    rate = (rounds - first) / took
    print(
        f"projection      {rate:,.0f} rounds/s, {rate / bare:.2f} of the bare script's"
        f" {bare:,.0f} (goals: {GOAL_ROUNDS:,}, or {GOAL_OF_BARE});"
        f" {cpu / (rounds - first) * 10_000:.2f} s of CPU for 10,000"
    )


def _latency(place: Place, *, rate: int, seconds: float) -> None:
    with ExitStack() as stack:
        stack.enter_context(place.roles("capture", "projector", "web"))
        until(lambda: place.redis.hget("veza:feed:rounds", "ready") == b"1", what="it is carried")
        for line in latencies(place, rate=rate, seconds=seconds):
            print(line)


if __name__ == "__main__":
    main()
