"""The written reference of the configuration is complete and up to date."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.patience import PATIENCE_S
from veza.config import ROOT

PAGE = "docs/operations/configuration.md"
FIXED_NAMES = re.findall(
    r"\w+",
    """
PORT VEZA_DATA_DIR PUBLIC_URL CHAT_SERVER_URL WEBTRANSPORT_PORT ENCRYPTION_KEYS
EVENT_LOG_RETENTION_S SHUTDOWN_TIMEOUT_S REQUEST_TIMEOUT_S CACHE_TTL_S DATABASE_POOL_MIN
DATABASE_POOL_MAX DATABASE_POOL_IDLE_S LOG_LEVEL LOG_FORMAT MAIL_FROM
RATE_LIMIT_GRAPHQL_PER_MINUTE SNS_TOPIC_ARN SQS_QUEUE_URL EVENTBRIDGE_BUS AWS_ENDPOINT_URL
VAPID_PRIVATE_KEY FCM_CREDENTIALS APNS_KEY VEZA_ENV SECRET_KEY ALLOWED_HOSTS
CORS_ALLOWED_ORIGINS TRUSTED_PROXIES DATABASE_URL DATABASE_REPLICA_URL REDIS_URL AMQP_URL
NATS_URL S3_ENDPOINT_URL S3_BUCKET S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY CLAMD_URL SMTP_URL
STRIPE_API_BASE STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET STREAM_SERVER_URL
INTERNAL_API_SECRET CHAT_TOKEN_SECRET SENTRY_DSN OTEL_EXPORTER_OTLP_ENDPOINT METRICS_TOKEN
EVENT_RETENTION_S SSE_MAX_CLIENTS SSE_HEARTBEAT_S LAST_VALUE_TTL_S MAX_CONNECTIONS_PER_USER
ACCESS_TOKEN_TTL_S REFRESH_TOKEN_TTL_S REFRESH_GRACE_S RATE_LIMIT_PER_MINUTE
RATE_LIMIT_LOGIN_PER_MINUTE UPLOAD_MAX_BYTES WEBHOOK_RETRY_SCHEDULE_S WEBHOOK_TIMEOUT_S
WEBHOOK_ALLOWED_CIDRS
""",
)


class TestDescribeConfig:
    def test_finds_the_committed_files_up_to_date(self) -> None:
        call_command("describe_config", "--check")

    def test_writes_the_same_from_any_environment(self, tmp_path: Path) -> None:
        environ = {
            "VEZA_DATA_DIR": str(tmp_path / "data"),
            "PORT": "9999",
            "MAIL_FROM": "x@example.org",
        }
        subprocess.run(
            [sys.executable, ROOT / "manage.py", "describe_config", "--root", tmp_path],
            cwd=tmp_path,
            env=environ | {"PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )
        for name in (PAGE, ".env.example"):
            assert (tmp_path / name).read_text() == (ROOT / name).read_text()

    def test_says_which_file_is_stale(self, tmp_path: Path) -> None:
        call_command("describe_config", "--root", str(tmp_path))
        (tmp_path / ".env.example").write_text("PORT=1\n")
        with pytest.raises(CommandError) as caught:
            call_command("describe_config", "--check", "--root", str(tmp_path))
        assert str(caught.value) == (
            ".env.example: not up to date, run `manage.py describe_config`."
        )
        assert (tmp_path / ".env.example").read_text() == "PORT=1\n"


class TestReference:
    @pytest.mark.parametrize("name", FIXED_NAMES)
    def test_has_every_fixed_name(self, name: str) -> None:
        assert f"\n| `{name}` |" in (ROOT / PAGE).read_text()
        assert f"\n#{name}=" in (ROOT / ".env.example").read_text()

    def test_names_no_place_of_this_machine(self) -> None:
        for name in (PAGE, ".env.example"):
            assert str(ROOT) not in (ROOT / name).read_text()

    def test_example_is_valid_for_a_shell(self, tmp_path: Path) -> None:
        lines = (ROOT / ".env.example").read_text().splitlines()
        settings = [
            line.removeprefix("#") for line in lines if line.startswith("#") and "=" in line
        ]
        filled = [line for line in settings if line.split("=")[0] in FIXED_NAMES]
        assert len(filled) == len(FIXED_NAMES)
        (tmp_path / "env").write_text("\n".join(filled))
        shown = subprocess.run(
            ["sh", "-euc", '. ./env; printf %s "$MAIL_FROM"'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout == "Veza <no-reply@localhost>"
