"""Every setting of the platform, declared once: name, type, default, meaning.

`manage.py describe_config` makes docs/operations/configuration.md and .env.example from it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from veza.config.essentials import ROOT, Essentials
from veza.config.kinds import (
    Count,
    HttpUrl,
    MailProvider,
    Numbers,
    Port,
    Seconds,
    Words,
    setting,
)
from veza.config.oidc import OidcProviders, RedirectUris

__all__ = ["ROOT", "Config"]


class Config(Essentials):
    """The environment of one process. Each field is the variable of the same name in capitals."""

    web_processes: Count = setting(1, "Processes of `web` or `api`", group="Limits")
    web_threads: Count = setting(4, "Threads per web process that run Django", group="Limits")
    worker_processes: Count = setting(2, "Child processes of `worker`", group="Limits")
    request_timeout_s: Seconds = setting(
        30,
        "A longer request ends as 503 request_timeout; SQL is limited to the same",
        group="Limits",
    )
    shutdown_timeout_s: Seconds = setting(
        60, "Everything has stopped this long after SIGTERM", group="Limits"
    )
    rate_limit_per_minute: Count = setting(
        100, "Requests a minute per user, or per address when anonymous", group="Limits"
    )
    rate_limit_login_per_minute: Count = setting(
        10,
        "Logins, registrations and the like a minute, per address and per account",
        group="Limits",
    )
    rate_limit_graphql_per_minute: Count = setting(
        1000, "GraphQL operations a minute per user", group="Limits", planned=True
    )
    upload_max_bytes: Count = setting(2 * 1024**3, "Largest resumable upload", group="Limits")
    upload_quota_bytes: Count = setting(
        10 * 1024**3,
        "What one user's files may come to that are no track yet: uploads, and what is processed",
        group="Limits",
    )
    media_timeout_s: Seconds = setting(
        3600,
        "Work on one audio file may take this long; then the file counts as corrupt",
        group="Limits",
    )
    media_memory_bytes: Annotated[int, Field(ge=256 * 1024**2)] = setting(
        768 * 1024**2, "Address space of a process that decodes audio", group="Limits"
    )
    media_max_duration_s: Seconds = setting(4 * 3600, "Longest audio that is taken", group="Limits")
    cache_ttl_s: Annotated[int, Field(ge=0)] = setting(
        30,
        "How long an anonymous public read may come from the cache in Redis; 0 turns it off",
        group="Limits",
    )

    access_token_ttl_s: Annotated[int, Field(ge=60, le=86400)] = setting(
        900, "Life of an access token", group="Tokens"
    )
    refresh_token_ttl_s: Seconds = setting(2592000, "Life of a refresh token", group="Tokens")
    refresh_grace_s: Annotated[int, Field(ge=0, le=10)] = setting(
        10,
        "A client that presents a rotated refresh token again this soon gets the same successor",
        group="Tokens",
    )

    admin_requires_2fa: bool | None = setting(
        None,
        "Whether staff need a second factor in the admin; default: production yes, embedded no",
        group="Tokens",
    )
    passkey_domain: str | None = setting(
        None,
        "Domain that passkeys belong to (relying party id); default the host of PUBLIC_URL, or"
        " localhost where that is an IP address",
        group="Tokens",
    )
    breached_passwords_url: HttpUrl | None = setting(
        None,
        "Range API of breached passwords, as https://api.pwnedpasswords.com/range; off without it",
        group="Tokens",
    )

    oidc_providers: OidcProviders | None = setting(
        None,
        'OpenID providers, JSON: {"name": {"issuer", "client_id", "client_secret", "label"}}',
        group="Social login",
    )
    oidc_redirect_uris: RedirectUris = setting(
        [],
        "Addresses of front ends to which providers may send people back, comma-separated; compared"
        " letter by letter",
        group="Social login",
    )

    geoip_database: Path | None = setting(
        None,
        "File that tells where addresses are (MaxMind GeoIP2 City); needs the extra `geo`",
        group="Tokens",
    )

    event_log_retention_s: Seconds = setting(
        604800, "How long facts can be replayed from the log", group="Realtime"
    )
    event_retention_s: Seconds = setting(
        60, "How long a process surely holds facts in memory", group="Realtime"
    )
    reading_retention_s: Seconds = setting(
        90 * 24 * 3600, "How long readings of metrics are kept", group="Realtime"
    )
    listening_retention_s: Seconds = setting(
        90 * 24 * 3600,
        "How long events of players are kept, at least 32 days; what was counted of them stays",
        group="Realtime",
    )
    sse_max_clients: Count = setting(10000, "SSE clients per process", group="Realtime")
    sse_heartbeat_s: Seconds = setting(
        15, "A comment line to every SSE client this often", group="Realtime"
    )
    last_value_ttl_s: Seconds = setting(300, "Life of an instrument's last value", group="Realtime")
    max_connections_per_user: Count = setting(
        10, "Sockets per user; the oldest gives way", group="Realtime"
    )
    webtransport_port: Port = setting(4433, "UDP port of WebTransport", group="Realtime")
    webtransport_url: HttpUrl | None = setting(
        None, "Where clients reach it; default WEBTRANSPORT_PORT of PUBLIC_URL", group="Realtime"
    )
    webtransport_certificate: Path | None = setting(
        None, "PEM file of its certificate and chain; embedded makes its own", group="Realtime"
    )
    webtransport_private_key: Path | None = setting(
        None, "PEM file of the key of WEBTRANSPORT_CERTIFICATE", group="Realtime"
    )

    webhook_retry_schedule_s: Numbers = setting(
        [5, 300, 1800, 7200, 18000, 36000, 36000],
        "Waits before each retry of a webhook",
        group="Webhooks",
        planned=True,
    )
    webhook_timeout_s: Seconds = setting(15, "Time for an answer", group="Webhooks", planned=True)
    webhook_allowed_cidrs: Words = setting(
        [],
        "Private networks that webhooks may reach; refused in production",
        group="Webhooks",
        planned=True,
    )

    stripe_api_base: HttpUrl | None = setting(None, "Stripe's API", group="Payments", planned=True)
    stripe_secret_key: SecretStr | None = setting(
        None, "Stripe secret key", group="Payments", planned=True
    )
    stripe_webhook_secret: SecretStr | None = setting(
        None, "Verifies Stripe's webhooks", group="Payments", planned=True
    )

    mail_from: str = setting(
        "Veza <no-reply@localhost>", "Sender of our mail", group="Mail and push"
    )
    mail_provider: MailProvider | None = setting(
        None, "Send mail through this provider instead of SMTP_URL", group="Mail and push"
    )
    mail_provider_key: SecretStr | None = setting(
        None, "API key or token of MAIL_PROVIDER", group="Mail and push"
    )
    frontend_url: HttpUrl | None = setting(
        None, "Where links in mails lead; default PUBLIC_URL", group="Mail and push"
    )
    vapid_private_key: SecretStr | None = setting(
        None, "Web Push key", group="Mail and push", planned=True
    )
    fcm_credentials: SecretStr | None = setting(
        None, "FCM service account, JSON", group="Mail and push", planned=True
    )
    apns_key: SecretStr | None = setting(None, "APNs key, PEM", group="Mail and push", planned=True)

    sns_topic_arn: str | None = setting(None, "SNS topic for facts", group="AWS", planned=True)
    sqs_queue_url: HttpUrl | None = setting(None, "SQS queue for facts", group="AWS", planned=True)
    eventbridge_bus: str | None = setting(None, "EventBridge bus", group="AWS", planned=True)
    aws_endpoint_url: HttpUrl | None = setting(
        None, "Another endpoint for all of AWS", group="AWS", planned=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "Least level that is logged", group="Observability"
    )
    log_format: Literal["json", "console"] | None = setting(
        None,
        "`json` or `console`; default console on a terminal and json elsewhere",
        group="Observability",
    )
    prometheus_multiproc_dir: Path | None = setting(
        None,
        "Where several processes add up their metrics; the supervisor sets it",
        group="Observability",
    )
    sentry_dsn: SecretStr | None = setting(None, "Sentry; off without it", group="Observability")
    otel_exporter_otlp_endpoint: HttpUrl | None = setting(
        None, "OpenTelemetry collector (OTLP over HTTP); off without it", group="Observability"
    )

    @property
    def is_production(self) -> bool:
        return self.veza_env == "production"
