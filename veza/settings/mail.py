"""Mail: a server, a provider (django-anymail), or a folder in the data directory."""

from urllib.parse import unquote, urlsplit

from veza.config import config
from veza.settings.servers import DATA_DIR

TOKENS = {  # how django-anymail calls what each provider knows us by
    "brevo": "BREVO_API_KEY",
    "mailersend": "MAILERSEND_API_TOKEN",
    "postmark": "POSTMARK_SERVER_TOKEN",
    "resend": "RESEND_API_KEY",
    "sendgrid": "SENDGRID_API_KEY",
    "sparkpost": "SPARKPOST_API_KEY",
}

DEFAULT_FROM_EMAIL = SERVER_EMAIL = config.mail_from
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = DATA_DIR / "mail"
ANYMAIL: dict[str, object] = {"REQUESTS_TIMEOUT": EMAIL_TIMEOUT}
_server = urlsplit(config.smtp_url or "")

if config.mail_provider:
    EMAIL_BACKEND = f"anymail.backends.{config.mail_provider}.EmailBackend"
    if config.mail_provider_key:
        ANYMAIL[TOKENS[config.mail_provider]] = config.mail_provider_key.get_secret_value()
elif config.smtp_url:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_USE_SSL = _server.scheme == "smtps"
    EMAIL_USE_TLS = not EMAIL_USE_SSL and bool(_server.username)  # no password over plain text
    EMAIL_HOST = _server.hostname or "localhost"
    EMAIL_PORT = _server.port or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
    EMAIL_HOST_USER = unquote(_server.username or "")
    EMAIL_HOST_PASSWORD = unquote(_server.password or "")
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

# /dev/mail shows what lies in the folder, on a developer's machine alone.
SHOWS_MAIL = EMAIL_BACKEND.endswith("filebased.EmailBackend") and not config.is_production
FRONTEND_URL = config.frontend_url or config.public_url or f"http://127.0.0.1:{config.port}"
