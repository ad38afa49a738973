"""The servers that hold data: PostgreSQL, Redis, RabbitMQ."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from veza.config import config
from veza.embedded import state

DATA_DIR = config.veza_data_dir.resolve()
_database = urlsplit(
    config.database_url
    or f"postgres://postgres@127.0.0.1:{state.service_port(DATA_DIR, 'postgres') or 1}/veza"
)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname or "",
        "PORT": _database.port or "",
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "NAME": unquote(_database.path.lstrip("/")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": dict(parse_qsl(_database.query)),  # libpq's own: ?sslmode=verify-full
    }
}
_valkey = state.service_port(DATA_DIR, "valkey")
REDIS_URL = config.redis_url or (f"redis://127.0.0.1:{_valkey}/0" if _valkey else "")
REDIS_NAMESPACE = "veza"  # the first word of every key of ours
AMQP_URL = config.amqp_url or ""

# Pools belong to the processes that answer requests: a forked worker must not inherit one.
if config.veza_role in ("web", "api"):
    DATABASES["default"]["OPTIONS"] |= {
        "pool": {
            "min_size": min(config.database_pool_min, config.database_pool_max)
            // config.web_processes,
            "max_size": max(
                config.web_threads + 1, config.database_pool_max // config.web_processes
            ),
            "max_idle": config.database_pool_idle_s,
            # Soon told as 503 database_unavailable, so that a lost database does not hold threads.
            "timeout": min(5, config.request_timeout_s),
        },
        "options": (
            f"-c statement_timeout={config.request_timeout_s * 1000}"
            f" -c idle_in_transaction_session_timeout={config.request_timeout_s * 1000}"
        ),
    }
