"""The servers that this needs: there, of a version that is known to do, and not falling behind."""

import asyncio
from collections.abc import Callable

import nats
import redis
from django.conf import settings
from django.core import mail
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.events.selectors import dispatch_status
from veza.celery import app
from veza.config import config
from veza.health import dependencies
from veza.management.doctor.finding import Finding, State, fault, off, ok, warning

OLDEST_POSTGRES = 15
USED_EXTENSIONS = ("pg_trgm", "unaccent")
SLOW_HANDLERS_S = 60
NATS_WITHIN_S = 2.0
_STATES: dict[str, State] = {"up": "ok", "degraded": "warning", "down": "fault", "off": "off"}


def check_postgres() -> Finding:
    """Version, extensions, and room for all connections that processes may open."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0]) // 10_000
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0])
        cursor.execute("SELECT name FROM pg_available_extensions WHERE name = ANY(%s)",
                       [list(USED_EXTENSIONS)])  # fmt: skip
        found = {name for (name,) in cursor.fetchall()}
    if version < OLDEST_POSTGRES:
        return fault(f"PostgreSQL {version}", mend=f"Use PostgreSQL {OLDEST_POSTGRES} or newer.")
    pool = config.database_pool_max
    if pool >= most:
        return warning(
            f"{most} connections for pools of {pool} an instance",
            mend="Raise PostgreSQL's max_connections, or lower DATABASE_POOL_MAX.",
        )
    missing = ", ".join(name for name in USED_EXTENSIONS if name not in found)
    return ok(f"PostgreSQL {version}" + (f"; without {missing}" if missing else ""))


def check_migrations() -> Finding:
    """The tables are those of this version."""
    executor = MigrationExecutor(connection)
    left = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if left:
        first, _ = left[0]
        return fault(
            f"{len(left)} migrations are not applied, from {first.app_label}.{first.name} on.",
            mend="Run `manage.py migrate`.",
        )
    return ok("all applied")


def check_wal() -> Finding:
    """Capture reads rows of games out of PostgreSQL's log."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW wal_level")
        level = cursor.fetchone()[0]
    if level == "logical":
        return ok("wal_level logical")
    return warning(
        f"wal_level is {level}: rounds of games are not told live.",
        mend="Set wal_level = logical in postgresql.conf and restart PostgreSQL.",
    )


def check_redis() -> Finding:
    """It answers, takes writes, and keeps what it is given."""
    if not settings.REDIS_URL:
        return warning(
            "There is none: nothing is cached, and limits are counted by each process.",
            mend="Set REDIS_URL.",
        )
    found = _asked(dependencies.check_redis, mend="Start Redis or Valkey, or mend REDIS_URL.")
    if found.state != "ok":
        return found
    with dependencies.open_redis(settings.REDIS_URL) as client:
        server = client.info("server")
        try:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "")
        except redis.ResponseError:  # providers forbid the question
            policy = ""
    if policy and policy != "noeviction" and not settings.AMQP_URL:
        return warning(
            f"Full, it drops keys ({policy}), and the queues are keys.",
            mend="Set maxmemory-policy noeviction, or use RabbitMQ by AMQP_URL.",
        )
    name = "Valkey" if "valkey_version" in server else "Redis"
    return ok(f"{name} {server.get('valkey_version') or server['redis_version']}")


def check_broker() -> Finding:
    """Where tasks wait."""
    if not settings.AMQP_URL:
        return off("Tasks wait in Redis.")
    return _asked(dependencies.check_broker, mend="Start RabbitMQ, or mend AMQP_URL.")


def check_workers() -> Finding:
    """Somebody takes tasks."""
    answers = app.control.ping(timeout=1.5)
    if not answers:
        mend = "Start `manage.py worker`: no track is made and no handler runs."
        return fault("No worker answers.", mend=mend)
    return ok(f"{len(answers)} answer")


def check_nats() -> Finding:
    """The change stream, where NATS is used for it."""
    if not settings.NATS_URL:
        return off("Changes go through Redis or PostgreSQL.")
    asyncio.run(_greet(settings.NATS_URL))
    return ok()


async def _greet(url: str) -> None:
    link = await nats.connect(
        url, connect_timeout=NATS_WITHIN_S, allow_reconnect=False, max_reconnect_attempts=0
    )
    try:
        await link.jetstream().account_info()
    finally:
        await link.close()


def check_storage() -> Finding:
    """Files can be written, to disk or to the bucket."""
    mend = "Mend S3_ENDPOINT_URL, S3_BUCKET and its keys, or the rights of VEZA_DATA_DIR."
    where = f"bucket {settings.S3_BUCKET}" if settings.S3_BUCKET else "on disk"
    return _asked(dependencies.check_storage, mend=mend, detail=where)


def check_antivirus() -> Finding:
    """Files of strangers are scanned."""
    mend = "Run clamd and set CLAMD_URL; see docs/operations/deploy.md."
    found = _asked(dependencies.check_antivirus, mend=mend)
    if found.state == "off":
        return warning("Only the EICAR test file is recognised.", mend=mend)
    return found


def check_stream_server() -> Finding:
    """An external maker of streams, where there is one."""
    if not settings.STREAM_SERVER_URL:
        return off("Workers make streams.")
    return _asked(dependencies.check_stream_server, mend="Start it, or mend STREAM_SERVER_URL.")


def check_mail() -> Finding:
    """Mails leave the house."""
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        detail = "Mails are files in the data directory; nobody receives them."
        if settings.VEZA_ENV == "production":
            return fault(detail, mend="Set SMTP_URL, or MAIL_PROVIDER and its key.")
        return off(detail)
    with mail.get_connection():
        return ok(settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2])


def check_relay() -> Finding:
    """Facts leave the outbox."""
    return _asked(dependencies.check_relay, mend="Start `manage.py relay`, or read its log.")


def check_capture() -> Finding:
    """Changes of rows are read."""
    return _asked(dependencies.check_capture, mend="Start `manage.py capture`, or read its log.")


def check_handlers() -> Finding:
    """Facts reach who reacts to them, and nothing lies among the dead letters."""
    status = dispatch_status()
    dead = sum(status.dead_letters.values())
    if dead:
        return warning(
            f"{dead} dead letters", mend="Look at them in the admin, then run `manage.py redrive`."
        )
    if status.lag_s > SLOW_HANDLERS_S:
        detail = f"The oldest reaction is {status.lag_s:.0f} s late."
        return warning(detail, mend="Start more workers (`manage.py worker`), or read their logs.")
    return ok(f"{status.outstanding} on their way")


def _asked(check: Callable[[], dependencies.Condition], *, mend: str, detail: str = "") -> Finding:
    found = check()
    return Finding(
        state=_STATES[found.state],
        detail=found.detail or detail,
        mend=mend if found.state in ("down", "degraded") else "",
    )
