"""The servers that hold data: PostgreSQL, Redis, RabbitMQ, S3."""

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
NATS_URL = config.nats_url or ""

# Change capture: out of PostgreSQL's log into a stream, and from there to what clients read.
CAPTURE_SLOT = config.capture_slot
_stream = "redis.RedisChangeStream" if REDIS_URL else "postgres.PostgresChangeStream"
_stream = "nats.NatsChangeStream" if NATS_URL else _stream
CHANGE_STREAM_BACKEND = f"veza.integrations.change_stream.{_stream}"
_projection = "redis.RedisProjection" if REDIS_URL else "postgres.PostgresProjection"
PROJECTION_BACKEND = f"veza.integrations.projection.{_projection}"

# Files: in a bucket where there is one, else on disk.
S3_ENDPOINT_URL = config.s3_endpoint_url or ""
S3_BUCKET = config.s3_bucket or ""
S3_REGION = config.s3_region
S3_ACCESS_KEY_ID = config.s3_access_key_id or ""
S3_SECRET_ACCESS_KEY = (
    config.s3_secret_access_key.get_secret_value() if config.s3_secret_access_key else ""
)
S3_PUBLIC_URL = config.s3_public_url or ""
OBJECT_STORAGE_ROOT = DATA_DIR / "storage"
_adapter = "s3.S3ObjectStorage" if S3_BUCKET else "local.LocalObjectStorage"
OBJECT_STORAGE_BACKEND = f"veza.integrations.object_storage.{_adapter}"
_adapter = "s3.S3UploadStorage" if S3_BUCKET else "local.LocalUploadStorage"
UPLOAD_STORAGE_BACKEND = f"veza.integrations.upload_storage.{_adapter}"

# What people upload is scanned, and decoded in a process of its own.
CLAMD_URL = config.clamd_url or ""
CLAMD_TIMEOUT_S = config.clamd_timeout_s
_scanner = "clamd.ClamdAntivirus" if CLAMD_URL else "builtin.BuiltinAntivirus"
ANTIVIRUS_BACKEND = f"veza.integrations.antivirus.{_scanner}"
MEDIA_BACKEND = "veza.integrations.media.child.ChildProcessMedia"
MEDIA_TIMEOUT_S = config.media_timeout_s
MEDIA_MEMORY_BYTES = config.media_memory_bytes
MEDIA_MAX_DURATION_S = config.media_max_duration_s

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
