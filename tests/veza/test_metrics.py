"""/metrics: what is counted, and who may read it."""

import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.patience import PATIENCE_S
from veza.celery import app as celery_app
from veza.celery import task_queue

ROOT = Path(__file__).resolve().parents[2]
PROMISED = (
    "veza_http_requests_total",
    "veza_http_request_duration_seconds",
    "veza_db_query_duration_seconds",
    "veza_db_pool_in_use",
    "veza_db_pool_size",
    "veza_cache_requests_total",
    "veza_realtime_connections",
    "veza_realtime_deliveries_total",
    "veza_realtime_dropped_total",
    "veza_queue_depth",
    "veza_dead_letters",
    "veza_relay_lag_seconds",
    "veza_outbox_oldest_seconds",
)
TOKEN = "a-long-enough-token-for-metrics-0123456789"


def sample(text: str, series: str) -> float:
    """The value of one series, 0 when it is not there."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def scrape() -> str:
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.content.decode()


def scrape_until(series: str, *, at_least: float) -> str:
    """What is read from other servers may be a second old."""
    deadline = time.monotonic() + PATIENCE_S
    while sample(text := scrape(), series) < at_least:
        assert time.monotonic() < deadline, f"{series} never rose"
        time.sleep(0.05)
    return text


COUNT_SERIES = """
import django
django.setup()
from django.test import Client
client = Client()
for path in ("/", "/readyz", "/admin/login/", "/api/v1/users/me", "/api/v1/auth/login"):
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"):
        client.generic(method, path)
text = client.get("/metrics").content.decode()
print(len([line for line in text.splitlines() if line[:1] != "#"]))
"""


@pytest.mark.django_db
class TestWhatIsCounted:
    def test_requests_by_route_method_and_status(self, client: Client) -> None:
        series = 'veza_http_requests_total{method="GET",route="/api/v1/users/me",status="401"}'
        before = sample(scrape(), series)

        client.get("/api/v1/users/me")
        client.get("/api/v1/users/me/")

        text = scrape()
        assert sample(text, series) == before + 2
        assert "veza_http_request_duration_seconds_bucket" in text

    def test_no_path_method_or_name_of_a_client_becomes_a_label(self, client: Client) -> None:
        client.get("/api/v1/canary-path-0001")
        client.get("/admin/canary-path-0002/")
        client.get("/canary-path-0003?canary=1")
        client.generic("CANARY", "/")
        client.get("/", headers={"host": "canary.example", "x-canary": "canary"})

        text = scrape()
        assert "canary" not in text.lower()
        assert 'route="unresolved"' in text

    @pytest.mark.django_db(transaction=True)  # the other process commits what it writes
    def test_the_number_of_series_stays_small(self, database_url: str) -> None:
        answer = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(COUNT_SERIES)],
            cwd=ROOT, check=True, capture_output=True, text=True, timeout=PATIENCE_S,
            env=os.environ
            | {"DJANGO_SETTINGS_MODULE": "veza.settings", "DATABASE_URL": database_url},
        )  # fmt: skip
        assert 200 < int(answer.stdout) < 2000

    @pytest.mark.parametrize("name", PROMISED)
    def test_what_dashboards_read_has_its_promised_name(self, name: str) -> None:
        assert f"# TYPE {name} " in scrape()

    def test_public_reads_by_where_they_came_from(self, client: Client) -> None:
        series = 'veza_cache_requests_total{result="off",route="api/v1/tracks"}'
        before = sample(scrape(), series)

        client.get("/api/v1/tracks", headers={"cookie": "a=b"})

        assert sample(scrape(), series) == before + 1

    def test_queries_by_operation(self) -> None:
        series = 'veza_db_query_duration_seconds_count{operation="SELECT"}'
        before = sample(scrape(), series)

        with connection.cursor() as cursor:
            cursor.execute("  select 1")
            cursor.execute("-- canary\nselect 1")

        text = scrape()
        assert sample(text, series) >= before + 1
        assert "canary" not in text

    def test_what_waits_in_redis_and_in_the_outbox(self, settings, redis_connection) -> None:
        settings.AMQP_URL = ""
        redis_connection.rpush("push", "one", "two")
        try:
            text = scrape_until('veza_queue_depth{queue="push"}', at_least=2)
        finally:
            redis_connection.ltrim("push", 2, -1)

        assert "veza_outbox_oldest_seconds " in text
        assert "veza_relay_lag_seconds " in text

    @pytest.mark.needs_rabbitmq
    def test_what_waits_in_rabbitmq(self) -> None:
        with celery_app.connection_for_write() as broker:
            queue = task_queue("push")(broker.default_channel)
            queue.declare()
            broker.Producer().publish("one", exchange="", routing_key="push")
            try:
                scrape_until('veza_queue_depth{queue="push"}', at_least=1)
            finally:
                queue.purge()


class TestWhoMayRead:
    @pytest.mark.parametrize(
        ("meta", "token", "status"),
        [
            ({"REMOTE_ADDR": "127.0.0.1"}, "", 200),
            ({"REMOTE_ADDR": "::1"}, "", 200),
            ({"REMOTE_ADDR": "192.0.2.1"}, "", 401),
            ({"REMOTE_ADDR": ""}, "", 401),
            ({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, "", 401),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, "", 401),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"}, "", 401),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "127.0.0.1"}, "", 401),
            ({"REMOTE_ADDR": "192.0.2.1"}, f"Bearer {TOKEN}", 200),
            ({"REMOTE_ADDR": "192.0.2.1"}, f"bearer {TOKEN}", 200),
            ({"REMOTE_ADDR": "192.0.2.1"}, f"Bearer {TOKEN}x", 401),
            ({"REMOTE_ADDR": "192.0.2.1"}, "Bearer ", 401),
            ({"REMOTE_ADDR": "192.0.2.1"}, "Bearer ÿ", 401),
            ({"REMOTE_ADDR": "192.0.2.1"}, f"Basic {TOKEN}", 401),
        ],
    )
    @pytest.mark.django_db
    def test_the_same_machine_or_the_bearer_of_the_token(
        self, settings, meta: dict[str, Any], token: str, status: int
    ) -> None:
        settings.METRICS_TOKEN = TOKEN

        answer = Client(**meta, HTTP_AUTHORIZATION=token).get("/metrics")

        assert answer.status_code == status
        if status == 401:
            assert answer["Content-Type"] == "application/problem+json"
            assert "Bearer" in answer["WWW-Authenticate"]

    @pytest.mark.django_db
    def test_a_trusted_proxy_on_this_machine_does_not_open_it_to_the_world(
        self, client: Client, settings
    ) -> None:
        settings.TRUSTED_PROXIES = ["127.0.0.1"]

        answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="127.0.0.1")

        assert answer.status_code == 401

    @pytest.mark.django_db
    def test_without_a_token_no_empty_bearer_gets_in(self, client: Client, settings) -> None:
        settings.METRICS_TOKEN = ""

        answer = client.get("/metrics", REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION="Bearer ")

        assert answer.status_code == 401


PROCESS = """
import django
django.setup()
from veza.kit.metrics import DB_POOL_SIZE, HTTP_REQUESTS
HTTP_REQUESTS.labels("GET", "/several", "200").inc()
DB_POOL_SIZE.set(7)
"""
SCRAPER = (
    PROCESS
    + """
from veza.health.exposition import exposition
print(exposition().decode())
"""
)


def test_several_processes_add_up_and_the_dead_hold_no_connections(tmp_path: Path) -> None:
    environ = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "veza.settings",
    }

    def run(code: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=ROOT, env=environ, check=True, capture_output=True, text=True, timeout=PATIENCE_S,
        ).stdout  # fmt: skip

    run(PROCESS)
    run(PROCESS)
    text = run(SCRAPER)

    series = 'veza_http_requests_total{method="GET",route="/several",status="200"}'
    assert sample(text, series) == 3
    assert 'veza_realtime_dropped_total{reason="slow"} 0.0' in text, "an alert needs a beginning"
    assert sample(text, "veza_db_pool_size") == 7
