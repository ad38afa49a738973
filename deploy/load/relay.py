"""How fast the relay is: what it drains, what it keeps up with, how long a fact waits for the log.

    DATABASE_URL=postgres://... .venv/bin/python deploy/load/relay.py

Works in a database of its own on that server, which it makes and drops.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "veza_bench_relay"

Connection = psycopg.Connection[tuple[int, ...]]

FACT = """
INSERT INTO events_outbox
       (id, aggregatetype, aggregateid, type, payload, version, rooms, request_id, trace)
SELECT gen_random_uuid(), 'thing', n::text, 'thing.changed',
       jsonb_build_object('thing_id', gen_random_uuid(), 'title', repeat('x', 120), 'step', n),
       1, ARRAY['thing:' || n], 'bench', ''
  FROM generate_series(1, %s) n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--facts", type=int, default=100_000, help="facts to drain")
    parser.add_argument("--writers", type=int, default=8, help="writers of the sustained part")
    parser.add_argument("--seconds", type=float, default=10, help="length of the sustained part")
    parser.add_argument("--relays", type=int, default=1, help="relays at work at once")
    parser.add_argument("--batch", type=int, default=500, help="facts in one move")
    options = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        parser.error("set DATABASE_URL to a server on which a database may be made")
    with _database(os.environ["DATABASE_URL"]) as url, psycopg.connect(url, autocommit=True) as db:
        relay = [sys.executable, "manage.py", "relay", "--batch", str(options.batch)]
        with _processes(relay, url=url, count=options.relays):
            _await(db, "SELECT count(*) >= %s FROM events_relay", options.relays)
            _waits(db)
            _sustained(db, url=url, writers=options.writers, seconds=options.seconds)
        _write_bulk(db, facts=options.facts)
        with _processes(relay, url=url, count=options.relays):
            _drain(db, facts=options.facts)
    print(f"load average    {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _waits(db: Connection, *, facts: int = 200) -> None:
    """One fact at a time into a quiet outbox."""
    waits = []
    for _ in range(facts):
        db.execute(FACT, [1])
        committed = time.perf_counter()
        _await(db, "SELECT NOT EXISTS (SELECT FROM events_outbox)", every_s=0)
        waits.append((time.perf_counter() - committed) * 1000)
    cuts = statistics.quantiles(waits, n=100)
    print(f"wait, quiet     p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms ({facts} facts)")


def _sustained(db: Connection, *, url: str, writers: int, seconds: float) -> None:
    """Writers commit one fact a transaction as fast as they can; does the outbox grow?"""
    writer = [sys.executable, __file__, "--write"]
    head = _value(db, "SELECT events_head()")
    backlogs = []
    with _processes(writer, url=url, count=writers):
        _await(db, "SELECT events_head() > %s", head)
        started, first = time.perf_counter(), _value(db, "SELECT events_head()")
        while (took := time.perf_counter() - started) < seconds:
            backlogs.append(_value(db, "SELECT count(*) FROM events_outbox"))
            time.sleep(0.05)
        moved = _value(db, "SELECT events_head()") - first
    print(
        f"sustained       {moved / took:,.0f} facts/s from {writers} writers; backlog median"
        f" {statistics.median(backlogs):.0f}, most {max(backlogs)}"
    )
    _await(db, "SELECT NOT EXISTS (SELECT FROM events_outbox)")


def _write_bulk(db: Connection, *, facts: int) -> None:
    db.execute(FACT, [facts])
    db.execute("VACUUM ANALYZE events_outbox")


def _drain(db: Connection, *, facts: int) -> None:
    """From the first move to the last, without the start of the process."""
    head = _value(db, "SELECT events_head()")
    _await(db, "SELECT events_head() > %s", head)
    started, first = time.perf_counter(), _value(db, "SELECT events_head()")
    _await(db, "SELECT NOT EXISTS (SELECT FROM events_outbox)")
    took = time.perf_counter() - started
    print(f"drain           {(head + facts - first) / took:,.0f} facts/s ({facts:,} facts)")


def _write() -> None:
    """One writer: commits until it is killed."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        while True:
            db.execute(FACT, [1])


def _value(db: Connection, query: str) -> int:
    row = db.execute(query.encode()).fetchone()
    return row[0] if row else 0


def _await(db: Connection, query: str, *values: int, every_s: float = 0.005) -> None:
    while not (row := db.execute(query.encode(), values or None).fetchone()) or not row[0]:
        time.sleep(every_s)


@contextmanager
def _processes(command: list[str], *, url: str, count: int) -> Iterator[None]:
    env = os.environ | {"DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
    started = [subprocess.Popen(command, cwd=ROOT, env=env) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


@contextmanager
def _database(server: str) -> Iterator[str]:
    url = urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
    name = sql.Identifier(DATABASE)
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        db.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "events", "--verbosity", "0"],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": url},
                check=True,
            )
            yield url
        finally:
            db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        _write()
    else:
        main()
