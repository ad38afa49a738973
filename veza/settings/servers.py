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
# How like each other words are that a search takes for a typing error, in texts and word by word
# (PostgreSQL's are 0.6 and 0.3, which letters that have changed places do not reach; word by word
# the errors are counted afterwards); means nothing to a server without pg_trgm.
_alike = "-c pg_trgm.word_similarity_threshold=0.45 -c pg_trgm.similarity_threshold=0.17"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname or "",
        "PORT": _database.port or "",
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "NAME": unquote(_database.path.lstrip("/")),
        "CONN_MAX_AGE": 0,
        # libpq's own: ?sslmode=verify-full
        "OPTIONS": {"options": _alike, **dict(parse_qsl(_database.query))},
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
FILE_DELIVERY = config.file_delivery
CDN_URL = config.cdn_url or ""

# Answers to who does not say who he is; without Redis nothing is kept anywhere.
CACHE_TTL_S = config.cache_ttl_s
_impatient = {"socket_timeout": 0.05, "socket_connect_timeout": 0.05}
_json = {"serializer": "veza.integrations.shared_cache.redis.JsonSerializer"}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "veza.integrations.shared_cache.redis.ImpatientRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_FUNCTION": "veza.integrations.shared_cache.redis.make_key",
        "OPTIONS": _impatient | _json,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
}

# What people upload is scanned, and decoded in a process of its own.
CLAMD_URL = config.clamd_url or ""
CLAMD_TIMEOUT_S = config.clamd_timeout_s
ANTIVIRUS_REQUIRED = config.antivirus_required
ANTIVIRUS_EXPECTED = config.is_production or ANTIVIRUS_REQUIRED
_without = "absent.AbsentAntivirus" if ANTIVIRUS_REQUIRED else "builtin.BuiltinAntivirus"
_scanner = "clamd.ClamdAntivirus" if CLAMD_URL else _without
ANTIVIRUS_BACKEND = f"veza.integrations.antivirus.{_scanner}"
STREAM_SERVER_URL = config.stream_server_url or ""
STREAM_SERVER_BACKEND = "veza.integrations.stream_server.signed_http.SignedHttpStreamServer"
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
            f"{_alike} -c statement_timeout={config.request_timeout_s * 1000}"
            f" -c idle_in_transaction_session_timeout={config.request_timeout_s * 1000}"
        ),
    }
