"""Django's settings, the same for all environments: they differ by values, never by code."""

import logging
import re
import sys
import tomllib
from importlib import metadata
from typing import Any

from pydantic import SecretStr

from veza.config import ROOT, config
from veza.config.oidc import read_providers
from veza.settings import passkeys
from veza.settings.mail import *  # noqa: F403
from veza.settings.pages import *  # noqa: F403
from veza.settings.servers import *  # noqa: F403
from veza.settings.servers import DATA_DIR, DATABASES, REDIS_NAMESPACE, REDIS_URL
from veza.settings.tasks import *  # noqa: F403
from veza.telemetry import logs


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _version() -> str:
    """As installed; in a working copy, which is not, as pyproject.toml has it."""
    try:
        return metadata.version("veza")
    except metadata.PackageNotFoundError:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return str(project["version"])


BASE_DIR = ROOT
VEZA_ENV = config.veza_env
VERSION = _version()
DEBUG = config.debug
SECRET_KEY = _reveal(config.secret_key)
ENCRYPTION_KEYS = [key for key in _reveal(config.encryption_keys).split(",") if key]
INTERNAL_API_SECRETS = [key for key in _reveal(config.internal_api_secret).split(",") if key]
CHAT_TOKEN_SECRET = _reveal(config.chat_token_secret)
CHAT_SERVER_URL = config.chat_server_url or ""
PUBLIC_URL = config.public_url or f"http://127.0.0.1:{config.port}"
ALLOWED_HOSTS = config.allowed_hosts or ["*"]
TRUSTED_PROXIES = config.trusted_proxies

# --- apps: low to high, in the order of the layers in docs/architecture.md ------------------
VEZA_APPS = [
    "events",
    "realtime",
    "auth",
    "track",
    "datastream",
    "social",
    "live",
    "marketplace",
    "chat",
    "moderation",
    "notifications",
    "analytics",
    "webhooks",
    "discovery",
]
# django.contrib.auth owns the label "auth", so apps.auth is labelled "accounts".
APP_LABELS = {name: "accounts" if name == "auth" else name for name in VEZA_APPS}

# First, for it takes over runserver; 12 MB and Twisted in a process that has no use for them.
_development_server = ["daphne"] if sys.argv[1:2] == ["runserver"] else []
INSTALLED_APPS = [
    *_development_server,
    "unfold.apps.BasicAppConfig",  # before the admin whose templates it replaces
    "veza.apps.VezaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "django_prometheus",
    "django_structlog",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "veza.kit",
    *(f"apps.{name}" for name in VEZA_APPS),
    "veza.apps.VezaConfig",
]
MIGRATION_MODULES = {label: f"migrations.{name}" for name, label in APP_LABELS.items()} | {
    "kit": "migrations.kit"
}
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- HTTP ------------------------------------------------------------------------------------
ROOT_URLCONF = "veza.urls"
ASGI_APPLICATION = "veza.asgi.application"
WSGI_APPLICATION = "veza.wsgi.application"
APPEND_SLASH = False
MIDDLEWARE = [  # what is to hold for every answer, refusals of the later ones too, stands first
    "veza.kit.middleware.context.RequestContextMiddleware",
    "veza.kit.middleware.request_log.RequestLogMiddleware",
    "veza.kit.middleware.metrics.metrics_middleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "veza.kit.middleware.api_headers.ApiHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "veza.kit.middleware.static.StaticFilesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "veza.kit.middleware.rate_limit.RateLimitMiddleware",
    "veza.kit.middleware.guard.GuardMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
# Links in answers: below the public address where one is set, else at the host that was asked.
LINK_BASE = config.public_url or ""
IS_HTTPS = LINK_BASE.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if IS_HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if IS_HTTPS else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "veza.kit.api.problems.csrf_failure"
CSRF_TRUSTED_ORIGINS = [LINK_BASE] if LINK_BASE else []
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {  # of pages; JSON has a stricter one of its own
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# As patterns, because a whole origin is compared then and nothing that only begins like one.
CORS_ALLOWED_ORIGIN_REGEXES = [
    rf"{re.escape(origin)}\Z" for origin in config.cors_allowed_origins
] or (
    [] if config.is_production else [r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?\Z"]
)
CORS_URLS_REGEX = r"^/(?!admin)"
CORS_ALLOW_CREDENTIALS = False  # callers are known by their Bearer token, never by a cookie
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "range",
    "tus-resumable",
    "upload-checksum",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "WWW-Authenticate",
    "X-Cache",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "veza" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"  # for a server in front of us; we read the packages ourselves
STATIC_MAX_AGE_S = 300
STATIC_NEVER_CHANGES = r"^/static/veza/web/assets/"  # their names tell what they hold
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# A file that comes whole, and the form around it; every other body has the usual limit.
LARGER_BODIES = {"/api/v1/tracks": 101 * 1024**2}

# --- API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.auth.api.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["veza.kit.api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["veza.kit.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "veza.kit.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "veza.kit.api.schema.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "veza.kit.api.problems.handle_exception",
    "URL_FORMAT_OVERRIDE": None,
}
REQUEST_TIMEOUT_S = config.request_timeout_s
SHUTDOWN_TIMEOUT_S = config.shutdown_timeout_s
RATE_LIMIT_PER_MINUTE = config.rate_limit_per_minute
RATE_LIMIT_LOGIN_PER_MINUTE = config.rate_limit_login_per_minute
RATE_LIMIT_BACKEND = "veza.integrations.rate_limit.redis.RedisRateLimit"
RATE_LIMIT_TIMEOUT_S = 0.05
UPLOAD_MAX_BYTES = config.upload_max_bytes
UPLOAD_QUOTA_BYTES = config.upload_quota_bytes
WEB_PROCESSES = config.web_processes
METRICS_TOKEN = _reveal(config.metrics_token)

# --- realtime --------------------------------------------------------------------------------
REALTIME_AUTHENTICATOR = "apps.auth.realtime.authenticate"
REALTIME_SOCKET_AUTHENTICATORS = ["apps.chat.realtime.authenticate"]
REALTIME_SESSION_CHECK = "apps.auth.realtime.dead_sessions"
SSE_MAX_CLIENTS = config.sse_max_clients
SSE_HEARTBEAT_S = config.sse_heartbeat_s
MAX_CONNECTIONS_PER_USER = config.max_connections_per_user
EVENT_RETENTION_S = config.event_retention_s
EVENT_LOG_RETENTION_S = config.event_log_retention_s
READING_RETENTION_S = config.reading_retention_s
LISTENING_RETENTION_S = config.listening_retention_s
WEBTRANSPORT_PORT = config.webtransport_port
WEBTRANSPORT_URL = config.webtransport_url or ""
WEBTRANSPORT_CERTIFICATE = config.webtransport_certificate
WEBTRANSPORT_PRIVATE_KEY = config.webtransport_private_key
WEBTRANSPORT_FOLDER = DATA_DIR / "webtransport"
# Messages reach all processes of one database; Redis knows no borders between its numbered ones.
_layer = {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "CONFIG": {
        "hosts": [REDIS_URL],
        "prefix": f"{REDIS_NAMESPACE}/{DATABASES['default']['NAME']}:",
    },
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {"default": _layer} if REDIS_URL else {}
ROOM_STATE_BACKEND = "veza.integrations.room_state.redis.RedisRoomState"
ROOM_STATE_TIMEOUT_S = 0.25
LAST_VALUE_TTL_S = config.last_value_ttl_s

# --- accounts --------------------------------------------------------------------------------
SILENCED_SYSTEM_CHECKS = [
    # User names are unique by a constraint on lower(username), which these checks do not know.
    "auth.E003",
    "auth.W004",
    # The proxy in front redirects to https; other names of the domain are not ours to decide on.
    "security.W005",
    "security.W008",
    "security.W021",
]
PASSWORD_HASHERS = [  # the plain bcrypt hasher is left out: it cuts or refuses at 72 bytes
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.auth.services.passwords.LengthValidator"},
    {"NAME": f"{_validation}.UserAttributeSimilarityValidator"},
    {"NAME": "apps.auth.services.passwords.PaddedCommonPasswordValidator"},
    {"NAME": f"{_validation}.NumericPasswordValidator"},
    {"NAME": "apps.auth.services.passwords.ContextWordsValidator"},
    {"NAME": "apps.auth.services.passwords.BreachedPasswordValidator"},
]
RATE_LIMIT_IDENTITY = "apps.auth.api.authentication.rate_limit_identity"
ACCESS_TOKEN_TTL_S = config.access_token_ttl_s
REFRESH_TOKEN_TTL_S = config.refresh_token_ttl_s
REFRESH_GRACE_S = config.refresh_grace_s
PASSWORD_RESET_TIMEOUT = 3600  # of all keys in mails
GEOIP_DATABASE = str(config.geoip_database or "")
ADMIN_REQUIRES_2FA = (
    config.is_production if config.admin_requires_2fa is None else config.admin_requires_2fa
)
PASSKEY_DOMAIN, PASSKEY_ORIGINS = passkeys.relying_party(
    public_url=PUBLIC_URL,
    domain=config.passkey_domain or "",
    other_origins=config.cors_allowed_origins,
)
BREACHED_PASSWORDS_BACKEND = "veza.integrations.breached_passwords.ranges.RangeService"
BREACHED_PASSWORDS_URL = config.breached_passwords_url or ""
IDENTITY_PROVIDER_BACKEND = "veza.integrations.identity_provider.openid.OpenIdProvider"
OIDC_PROVIDERS = {
    name: each.model_dump() | {"client_secret": each.client_secret.get_secret_value()}
    for name, each in read_providers(config.oidc_providers).items()
}
OIDC_REDIRECT_URIS = config.oidc_redirect_uris

# --- observability ---------------------------------------------------------------------------
VEZA_ROLE = config.veza_role
READINESS_REQUIRED = ("postgres",)
SENTRY_DSN = _reveal(config.sentry_dsn)
OTEL_EXPORTER_OTLP_ENDPOINT = config.otel_exporter_otlp_endpoint or ""
PROMETHEUS_MULTIPROC_DIR = config.prometheus_multiproc_dir
PROMETHEUS_LATENCY_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)  # per view: few on purpose
LOGGING = logs.logging_config(
    level=config.log_level, output=logs.log_format(chosen=config.log_format)
)
logs.configure_structlog()
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # checked and set by RequestContextMiddleware
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # veza.telemetry names the client that proxies prove
DJANGO_STRUCTLOG_USER_ID_FIELD = ""  # and the user, without a query of its own
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
