"""What this process depends on, and how each of it is asked.

Every check has a time limit of its own and says nothing about where the thing is: an answer of
/readyz is public.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import amqp
import psycopg
import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.events import selectors as event_selectors
from veza.integrations.antivirus import antivirus
from veza.integrations.object_storage import object_storage
from veza.integrations.stream_server import stream_server

State = Literal["up", "down", "degraded", "off"]
STEP_TIMEOUT_S = 0.6
MIN_FREE_BYTES = 200 * 1024**2


@dataclass(frozen=True)
class Condition:
    """How a dependency is, and one sentence when that is not plainly up or off."""

    state: State
    detail: str = ""


UP, OFF = Condition("up"), Condition("off")


def check_postgres() -> Condition:
    """A connection of its own: an exhausted pool is load, not a dead database."""
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        dbname=connection.settings_dict["NAME"],
        connect_timeout=2,  # the least that libpq knows; readers stop waiting earlier
        tcp_user_timeout=2000,
        options=f"-c statement_timeout={int(STEP_TIMEOUT_S * 1000)}",
        autocommit=True,
    ) as session:
        row = session.execute("SELECT pg_is_in_recovery()").fetchone()
    return Condition("degraded", "The database only reads.") if row and row[0] else UP


def open_redis(url: str) -> Any:
    """A client that gives up quickly and never tries again by itself."""
    return redis.Redis.from_url(
        url,
        socket_timeout=STEP_TIMEOUT_S,
        socket_connect_timeout=STEP_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def check_redis() -> Condition:
    """Redis or Valkey answers, and takes writes."""
    if not settings.REDIS_URL:
        return OFF
    with open_redis(settings.REDIS_URL) as client:
        client.ping()
        if client.info("replication")["role"] != "master":
            return Condition("degraded", "Redis only reads.")
    return UP


def open_amqp(url: str) -> Any:
    """A connection to RabbitMQ, used as a context manager, that gives up quickly."""
    parts = urlsplit(url)
    return amqp.Connection(
        host=f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}",
        userid=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=unquote(parts.path[1:]) or "/",
        ssl=parts.scheme == "amqps",
        connect_timeout=STEP_TIMEOUT_S,
        read_timeout=STEP_TIMEOUT_S,
        write_timeout=STEP_TIMEOUT_S,
    )


def check_broker() -> Condition:
    """The queues: RabbitMQ when there is one, else Redis."""
    if not settings.AMQP_URL:
        return check_redis()
    with open_amqp(settings.AMQP_URL) as broker:
        return UP if broker.connected else Condition("down", "The broker refuses connections.")


def check_storage() -> Condition:
    """The data directory takes files and has room for more; the bucket is there, if one is set."""
    with tempfile.NamedTemporaryFile(dir=settings.DATA_DIR, prefix=".readyz.") as file:
        file.write(b"ready")
        file.flush()
        os.fsync(file.fileno())
    if settings.S3_BUCKET:
        object_storage().check()
    if shutil.disk_usage(settings.DATA_DIR).free < MIN_FREE_BYTES:
        return Condition("degraded", "The disk is nearly full.")
    return UP


def check_relay() -> Condition:
    """Facts leave the outbox soon."""
    try:
        status = event_selectors.relay_status()
    finally:
        connection.close()
    return Condition(status.state, status.detail if status.state != "up" else "")


def check_capture() -> Condition:
    """Changes of captured rows leave PostgreSQL's log."""
    try:
        status = event_selectors.capture_status()
    finally:
        connection.close()
    return Condition(status.state, status.detail if status.state != "up" else "")


def check_antivirus() -> Condition:
    """clamd answers. Without one there is a scanner that protects nobody, which is said, and
    where one is expected is a fault.
    """
    scanner = antivirus()
    if settings.ANTIVIRUS_REQUIRED and not scanner.knows_real_threats:
        return Condition("degraded", "There is no scanner, and one is required: uploads wait.")
    if not scanner.knows_real_threats:
        state: State = "degraded" if settings.ANTIVIRUS_EXPECTED else "off"
        return Condition(state, "Only the EICAR test file is recognised.")
    scanner.version()
    return UP


def check_stream_server() -> Condition:
    """It can be reached. Without one the workers make streams."""
    server = stream_server()
    if server is None:
        return OFF
    server.check()
    return UP


def absent() -> Condition:
    """For what this version does not have yet."""
    return OFF


CHECKS: dict[str, Callable[[], Condition]] = {
    "postgres": check_postgres,
    "redis": check_redis,
    "broker": check_broker,
    "storage": check_storage,
    "antivirus": check_antivirus,
    "stream_server": check_stream_server,
    "relay": check_relay,
    "capture": check_capture,
}
