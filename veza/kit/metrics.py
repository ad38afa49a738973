"""The metrics of the platform, by the names that dashboards and alerts use.

Labels are bounded: a route is the template of the URL, never the path of a request. Under
several processes each metric is a file in PROMETHEUS_MULTIPROC_DIR and the scraped process adds
them up; a gauge therefore says how: `livesum` counts the processes that are alive.
"""

import time
from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.db import connections
from django.db.backends.signals import connection_created
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for every series, of use to nobody here

HTTP_REQUESTS = Counter(
    "veza_http_requests_total",
    "Requests that were answered",
    ["method", "route", "status"],
)
HTTP_REQUEST_DURATION = Histogram(
    "veza_http_request_duration_seconds",
    "Time from the first middleware to the answer",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
HOT_READS = Counter(
    "veza_hot_reads_total",
    "Requests that were answered from memory, before Django",
    ["route"],
)
DB_QUERY_DURATION = Histogram(
    "veza_db_query_duration_seconds",
    "Time that one SQL statement takes, without waiting for a connection",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0),
)
DB_POOL_IN_USE = Gauge(
    "veza_db_pool_in_use",
    "Database connections that are lent out",
    multiprocess_mode="livesum",
)
DB_POOL_SIZE = Gauge(
    "veza_db_pool_size",
    "Database connections that are open",
    multiprocess_mode="livesum",
)
REALTIME_CONNECTIONS = Gauge(
    "veza_realtime_connections",
    "Open sockets and streams",
    ["transport"],
    multiprocess_mode="livesum",
)
REALTIME_DELIVERIES = Counter(
    "veza_realtime_deliveries_total",
    "Messages handed to subscribers",
)
REALTIME_NOT_SHARED = Counter(
    "veza_realtime_not_shared_total",
    "Messages that are no facts and did not reach the other processes",
)
REALTIME_DROPPED = Counter(
    "veza_realtime_dropped_total",
    "Connections that were ended because of what they did or took",
    ["reason"],
)
for _reason in ("slow", "connection_limit", "webtransport_full"):
    REALTIME_DROPPED.labels(_reason)  # told as 0 from the start: an alert needs to see it rise
UPLOADS_OPEN = Gauge(
    "veza_uploads_open",
    "Requests that are writing to an upload",
    multiprocess_mode="livesum",
)
UPLOAD_BYTES = Counter(
    "veza_upload_bytes_total",
    "Bytes of uploads that were stored",
)
UPLOAD_REQUESTS = Counter(
    "veza_upload_requests_total",
    "Requests that wrote to an upload, by how they ended",
    ["outcome"],
)
UPLOADS_FINISHED = Counter(
    "veza_uploads_finished_total",
    "Uploads that have become whole in a request",
)
CACHE_REQUESTS = Counter(
    "veza_cache_requests_total",
    "Public reads, by whether they came from the cache: hit, miss or off",
    ["route", "result"],
)

TRACK_STEPS = Counter(
    "veza_track_steps_total",
    "Steps of making tracks, by how they ended",
    ["step", "result"],
)
TRACK_STEP_DURATION = Histogram(
    "veza_track_step_duration_seconds",
    "Time that a step of making a track takes, however it ends",
    ["step"],
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
)
TRACKS_ENDED = Counter(
    "veza_tracks_ended_total",
    "Versions of tracks that became ready, were rejected or failed",
    ["status", "code"],
)

_OPERATIONS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "SAVEPOINT", "RELEASE"})
_Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


def _operation(sql: object) -> str:
    word = str(sql).lstrip(" \n\t(")[:9].split(maxsplit=1)[:1]
    return word[0].upper() if word and word[0].upper() in _OPERATIONS else "OTHER"


def time_query(
    execute: _Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Django's execute wrapper: times the statement, also when it fails."""
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        DB_QUERY_DURATION.labels(_operation(sql)).observe(time.perf_counter() - started)


def _observe_pool(connection: Any) -> None:
    pool = getattr(connection, "pool", None)
    if pool is not None:
        stats = pool.get_stats()
        DB_POOL_SIZE.set(stats.get("pool_size", 0))
        DB_POOL_IN_USE.set(stats.get("pool_size", 0) - stats.get("pool_available", 0))


def _connection_taken(*, connection: Any, **_: object) -> None:
    if time_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(time_query)
    _observe_pool(connection)


def _connection_returned(**_: object) -> None:
    for connection in connections.all(initialized_only=True):
        _observe_pool(connection)


def watch_database() -> None:
    """Time every statement of this process, and follow its pool of connections."""
    connection_created.connect(_connection_taken, dispatch_uid="veza.metrics")
    # Connected after Django's own receiver, which gives the connection back.
    request_finished.connect(_connection_returned, dispatch_uid="veza.metrics")
