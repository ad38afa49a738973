"""The settings that come first: what an installation is, its secrets, servers and database."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from veza.config.kinds import (
    AmqpUrl,
    ClamdUrl,
    Count,
    HttpUrl,
    NatsUrl,
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

ROOT = Path(__file__).resolve().parent.parent.parent


class Essentials(BaseSettings):
    """What an installation is and which servers it has."""

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
