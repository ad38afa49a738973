"""Django's settings, one module for all environments: they differ by values, never by code."""

from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from veza.config import ROOT, config
from veza.embedded import state


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


BASE_DIR = ROOT
DATA_DIR = config.veza_data_dir.resolve()
VEZA_ENV = config.veza_env
DEBUG = config.debug
SECRET_KEY = _reveal(config.secret_key)
ENCRYPTION_KEYS = [key for key in _reveal(config.encryption_keys).split(",") if key]
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

INSTALLED_APPS = [
    "daphne",  # first: it takes over runserver
    "unfold",  # before the admin whose templates it replaces
    "django.contrib.admin",
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
    "veza",
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
MIDDLEWARE = [
    "veza.kit.middleware.context.RequestContextMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "veza.kit.middleware.guard.GuardMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "veza.kit.middleware.rate_limit.RateLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
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
STATIC_ROOT = DATA_DIR / "static"

# --- data ------------------------------------------------------------------------------------
_database = urlsplit(
    config.database_url
    or f"postgres://postgres@127.0.0.1:{state.service_port(DATA_DIR, 'postgres') or 1}/veza"
)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname or "",
        "PORT": _database.port or "",
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "NAME": unquote(_database.path.lstrip("/")),
        "CONN_MAX_AGE": 0,
    }
}
_valkey = state.service_port(DATA_DIR, "valkey")
REDIS_URL = config.redis_url or (f"redis://127.0.0.1:{_valkey}/0" if _valkey else "")
AMQP_URL = config.amqp_url or ""

# Pools belong to the processes that answer requests: a forked worker must not inherit one.
if config.veza_role in ("web", "api"):
    DATABASES["default"]["OPTIONS"] = {
        "pool": {
            "min_size": config.database_pool_min // config.web_processes,
            "max_size": max(config.web_threads + 1, config.database_pool_max // config.web_processes),
            "max_idle": config.database_pool_idle_s,
            "timeout": config.request_timeout_s,
        },
        "options": (
            f"-c statement_timeout={config.request_timeout_s * 1000}"
            f" -c idle_in_transaction_session_timeout={config.request_timeout_s * 1000}"
        ),
    }

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
METRICS_TOKEN = _reveal(config.metrics_token)

# --- accounts --------------------------------------------------------------------------------
ACCESS_TOKEN_TTL_S = config.access_token_ttl_s
REFRESH_TOKEN_TTL_S = config.refresh_token_ttl_s
REFRESH_GRACE_S = config.refresh_grace_s
