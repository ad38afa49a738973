#!/usr/bin/env python
"""Clients that come back all at once, each with the id of the last fact that it saw.

    DATABASE_URL=postgres://... REDIS_URL=redis://... .venv/bin/python deploy/load/returns.py

Tells how long it takes until all have what they missed, and how many transactions PostgreSQL saw
meanwhile beside those that it sees in such a time anyway.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # not this directory, whose names would hide others

from deploy.load.bench.processes import pinned, usage  # noqa: E402
from deploy.load.bench.target import Place  # noqa: E402
from deploy.load.peers import veza  # noqa: E402

SETTLE_S = 3.0
"""PostgreSQL counts the transactions of a session at most once a second."""
LIMIT_S = 120.0
ID = b"\nid: "
FACT = """
INSERT INTO events_outbox
       (id, aggregatetype, aggregateid, type, version, payload, rooms, request_id, trace)
SELECT gen_random_uuid(), 'metric_reading', n::text, 'metric_reading_created', 1,
       jsonb_build_object('value', n, 'note', repeat('x', 100)), ARRAY['metrics'], '', ''
  FROM generate_series(1, %s) n
"""
NTH_LAST = "SELECT id FROM events_log ORDER BY position DESC OFFSET %s LIMIT 1"
TRANSACTIONS = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""

Database = psycopg.Connection[tuple[int, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--missed", type=int, default=200, help="facts that each has missed (200)")
    options = parser.parse_args()
    place = Place(
        environ={**os.environ, "PYTHONPATH": str(ROOT)},
        pinned=partial(pinned, core="0"),
        beside=partial(pinned, core="1"),
    )
    try:
        _measure(place, clients=options.clients, missed=options.missed)
    finally:
        veza.close()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _measure(place: Place, *, clients: int, missed: int) -> None:
    environ: Mapping[str, str] = veza.environ(place)
    with (
        psycopg.connect(environ["DATABASE_URL"], autocommit=True) as database,
        veza.relay(place),
        veza.serve(place, transport="sse") as server,
    ):
        database.execute(FACT, [missed + 1])
        while _value(database, "SELECT count(*) FROM events_log") < missed + 1:
            time.sleep(0.05)
        place_of_all = _value(database, NTH_LAST, missed)
        time.sleep(SETTLE_S)
        cpu_s, before = usage(server.pid).cpu_s, _value(database, TRANSACTIONS)
        took = asyncio.run(_come_back(server.port, str(place_of_all), clients, missed))
        cpu_s = usage(server.pid).cpu_s - cpu_s
        time.sleep(SETTLE_S)
        then = _value(database, TRANSACTIONS)
        time.sleep(SETTLE_S + max(took))
        anyway = _value(database, TRANSACTIONS) - then
    took.sort()
    print(
        f"{clients:,} clients, each {missed} facts behind: the median has them after"
        f" {took[len(took) // 2]:.2f} s, the last after {took[-1]:.2f} s; {cpu_s:.2f} s of CPU;"
        f" {then - before} transactions in PostgreSQL, {anyway} in the same time without them"
    )


async def _come_back(port: int, last_id: str, clients: int, missed: int) -> list[float]:
    began = time.monotonic()
    async with asyncio.timeout(LIMIT_S):
        return await asyncio.gather(
            *(_catch_up(port, last_id, missed, began=began) for _ in range(clients))
        )


async def _catch_up(port: int, last_id: str, missed: int, *, began: float) -> float:
    """Seconds until one client has all. Raises EOFError for one that does not get it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /api/v1/events/watch?rooms=metrics HTTP/1.1\r\nHost: localhost\r\n"
        f"Last-Event-ID: {last_id}\r\n\r\n".encode()
    )
    seen, rest = 0, b""
    while seen < missed:
        data = await reader.read(65536)
        if not data:
            raise EOFError(rest)
        seen += (rest + data).count(ID)
        rest = (rest + data)[-len(ID) + 1 :]
    took = time.monotonic() - began
    writer.close()
    return took


def _value(database: Database, statement: str, *values: int) -> int:
    row = database.execute(statement.encode(), values or None).fetchone()
    return row[0] if row else 0


if __name__ == "__main__":
    main()
