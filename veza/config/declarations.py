"""Every setting of the platform, declared once: name, type, default, meaning.

`manage.py describe_config` makes docs/operations/configuration.md and .env.example from it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from veza.config.kinds import (
    AmqpUrl,
    ClamdUrl,
    Count,
    HttpUrl,
    MailProvider,
    NatsUrl,
    Numbers,
    Port,
    PostgresUrl,
    RedisUrl,
    Seconds,
    SmtpUrl,
    SocketUrl,
    WebClient,
    Words,
    setting,
)
from veza.config.oidc import OidcProviders, RedirectUris

ROOT = Path(__file__).resolve().parent.parent.parent


class Config(BaseSettings):
    """The environment of one process. Each field is the variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    veza_env: Literal["embedded", "production"] = setting(
        "embedded",
        "`embedded`: one machine, nothing else needed; `production`: servers, strict checks",
        group="Basics",
    )
    veza_data_dir: Path = setting(
        ROOT / ".veza", "Where the embedded services and files on disk live", group="Basics"
    )
    veza_role: str = setting(
        "", "Which process this is; the role commands set it themselves", group="Basics"
    )
    port: Port = setting(8000, "Port of the web process", group="Basics")
    public_url: HttpUrl | None = setting(
        None,
        "Address under which clients reach this server; default http://127.0.0.1:PORT",
        group="Basics",
        required=True,
    )
    allowed_hosts: Words = setting(
        [],
        "Host names that are answered, comma-separated; embedded: any",
        group="Basics",
        required=True,
    )
    cors_allowed_origins: Words = setting(
        [],
        "Origins of browsers that may call, comma-separated; embedded: localhost on any port",
        group="Basics",
    )
    trusted_proxies: Words = setting(
        [],
        "Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed",
        group="Basics",
    )
    debug: bool = setting(False, "Django's debug pages; refused in production", group="Basics")
    web_client: WebClient = setting(
        "builtin",
        "What browsers get at `/`: `builtin`, the reference client; `off`, a page of links; or the"
        " folder of another build, made for /static/veza/web/",
        group="Basics",
    )

    secret_key: SecretStr | None = setting(
        None, "Signs tokens and cookies", group="Secrets", required=True
    )
    encryption_keys: SecretStr | None = setting(
        None,
        "Encrypt secrets at rest; comma-separated, the first encrypts, the others still decrypt",
        group="Secrets",
        required=True,
    )
    internal_api_secret: SecretStr | None = setting(
        None,
        "Signs calls from and to the chat and stream servers; comma-separated, the first signs,"
        " the others are still believed",
        group="Secrets",
        required=True,
    )
    chat_token_secret: SecretStr | None = setting(
        None, "Signs the tokens for the chat server", group="Secrets", required=True
    )
    metrics_token: SecretStr | None = setting(
        None, "Bearer token for /metrics; without it only loopback may read them", group="Secrets"
    )

    database_url: PostgresUrl | None = setting(
        None,
        "PostgreSQL 15 or newer: postgres://user:password@host:port/name?sslmode=verify-full",
        group="Servers",
        required=True,
    )
    database_replica_url: PostgresUrl | None = setting(
        None, "A read replica", group="Servers", planned=True
    )
    redis_url: RedisUrl | None = setting(
        None,
        "Redis 7 or Valkey: cache, rate limits, queues when there is no AMQP_URL",
        group="Servers",
    )
    amqp_url: AmqpUrl | None = setting(None, "RabbitMQ, for the queues", group="Servers")
    nats_url: NatsUrl | None = setting(
        None,
        "NATS with JetStream: carries captured changes instead of Redis or PostgreSQL",
        group="Servers",
    )
    capture_slot: Annotated[str, Field(pattern="^[a-z0-9_]{1,63}$")] = setting(
        "veza",
        "Replication slot of change capture; one of its own for each installation on a server",
        group="Servers",
    )
    clamd_url: ClamdUrl | None = setting(
        None,
        "clamd: tcp://host:port or unix:///path; without it only the EICAR test file is recognised",
        group="Servers",
    )
    clamd_timeout_s: Seconds = setting(
        120,
        "clamd may be silent this long; the scan of a large file takes its time",
        group="Servers",
    )
    antivirus_required: bool = setting(
        False,
        "Without CLAMD_URL no file becomes a track: uploads wait until there is a scanner",
        group="Servers",
    )
    smtp_url: SmtpUrl | None = setting(
        None,
        "Mail server: smtp://user:password@host:port (STARTTLS) or smtps://; without it and"
        " MAIL_PROVIDER mails lie in a folder, listed at /dev/mail",
        group="Servers",
    )
    stream_server_url: HttpUrl | None = setting(
        None,
        "External stream server, which gets jobs at /v1/jobs; without it the workers make streams",
        group="Servers",
    )
    chat_server_url: SocketUrl | None = setting(
        None, "External chat server: where clients find it, https:// or wss://", group="Servers"
    )
    s3_endpoint_url: HttpUrl | None = setting(
        None, "S3 endpoint; default Amazon's of S3_REGION", group="Servers"
    )
    s3_bucket: str | None = setting(
        None, "S3 bucket, for files; without it they lie in VEZA_DATA_DIR", group="Servers"
    )
    s3_region: str = setting("us-east-1", "S3 region", group="Servers")
    s3_access_key_id: str | None = setting(
        None, "S3 key id; without it what boto3 finds, a role of the machine say", group="Servers"
    )
    s3_secret_access_key: SecretStr | None = setting(None, "S3 secret key", group="Servers")
    s3_public_url: HttpUrl | None = setting(
        None,
        "Where the bucket's objects below `public/` can be read, a CDN say; default through this"
        " server",
        group="Servers",
    )
    file_delivery: Literal["app", "nginx", "redirect"] = setting(
        "app",
        "Who sends files: `app` itself; `nginx` in front of it, which is told by X-Accel-Redirect"
        " and reads the disk; `redirect`, the bucket of S3, to which clients are sent",
        group="Servers",
    )
    cdn_url: HttpUrl | None = setting(
        None,
        "With FILE_DELIVERY=redirect: where segments and pictures that everyone may read are had,"
        " a CDN in front of the bucket; default the bucket, by signed addresses",
        group="Servers",
    )

    database_pool_min: Annotated[int, Field(ge=0)] = setting(
        10, "Connections kept open per instance, shared among its web processes", group="Database"
    )
    database_pool_max: Count = setting(
        100, "Connections at most per instance, shared among its web processes", group="Database"
    )
    database_pool_idle_s: Seconds = setting(
        300, "An idle connection above the minimum is closed after this", group="Database"
    )

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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` passes: it has read the environment and the files already."""
        return (init_settings,)

    @property
    def is_production(self) -> bool:
        return self.veza_env == "production"
