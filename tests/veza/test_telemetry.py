"""Logs, error reports and traces: what is in them, and above all what is not."""

import json
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog
from celery.contrib.testing.worker import start_worker
from django.conf import settings as django_settings
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.factories.auth import PASSWORD, make_user
from tests.patience import PATIENCE_S
from tests.veza import crashing_urls
from tests.veza.collector import Collected, collecting
from veza.celery import app as celery_app
from veza.kit.context import bind_request_id, current_request_id
from veza.telemetry.logs import log_format, logging_config

ROOT = Path(__file__).resolve().parents[2]
CANARIES = ("canary-password", "canary.person", "canary_signature", "canary-query")
Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def captured(output: Literal["json", "console"]) -> Iterator[StringIO]:
    """All that is logged inside the block, as production (json) or a terminal would show it."""
    formatter = dict(logging_config(level="INFO", output=output)["formatters"]["veza"])
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter.pop("()")(**formatter))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield stream
    finally:
        root.removeHandler(handler)


@pytest.fixture
def log() -> Iterator[Lines]:
    """Reads the log so far; a line that is not one JSON object fails the test."""
    with captured("json") as stream:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.django_db
class TestRequestLog:
    def test_is_one_line_with_the_id_that_the_client_sees(self, client: Client, log: Lines) -> None:
        answer = client.get(
            "/api/v1/users/me?token=canary-query", headers={"x-request-id": "asked-by-me"}
        )

        [line] = log()
        assert answer["X-Request-ID"] == line["request_id"] == "asked-by-me"
        assert line["event"] == "request_finished"
        assert (line["request"], line["code"]) == ("GET /api/v1/users/me", 401)
        assert line["ip"] == "127.0.0.1"
        assert line["duration_ms"] >= 0
        assert line["timestamp"].endswith("Z")

    def test_names_the_user_and_nothing_more_of_him(self, client: Client, log: Lines) -> None:
        user = make_user(username="someone", email="canary.person@example.org")
        tokens = client.post(
            "/api/v1/auth/login",
            {"login": "someone", "password": PASSWORD},
            content_type="application/json",
        ).json()
        client.get("/api/v1/users/me", headers={"authorization": f"Bearer {tokens['access']}"})

        line = log()[-1]
        assert line["user_id"] == str(user.pk)
        text = json.dumps(log())
        assert "canary.person" not in text
        assert tokens["access"] not in text
        assert tokens["refresh"] not in text

    def test_says_nothing_of_monitors_that_get_what_they_ask(
        self, client: Client, log: Lines
    ) -> None:
        client.get("/healthz")
        client.get("/metrics")
        client.get("/static/veza/icon.svg").getvalue()

        assert [line for line in log() if line["event"] == "request_finished"] == []

    def test_a_bug_is_one_line_with_its_traceback(self, settings, log: Lines) -> None:
        settings.ROOT_URLCONF = "tests.veza.crashing_urls"
        answer = Client(raise_request_exception=False).get("/api/v1/crash?key=canary-query")

        [line] = log()
        assert answer.json()["request_id"] == line["request_id"]
        assert line["level"] == "error"
        assert "RuntimeError" in line["exception"]
        assert not [canary for canary in CANARIES if canary in json.dumps(line)]

    @pytest.mark.parametrize(
        "hostile",
        [
            'x\r\n{"event":"forged","level":"info"}',
            "x\n\nforged",
            "\x1b[31mred\x1b[0m\x07",
            '"}{"event": "forged"',
            "\u2028\u2029\x85forged",
            "\ud800",
        ],
    )
    def test_what_clients_send_never_becomes_a_line_of_its_own(
        self, client: Client, log: Lines, hostile: str
    ) -> None:
        safe = hostile.encode("utf-8", "surrogatepass").decode("latin-1")
        client.get("/", headers={"user-agent": safe, "x-request-id": safe})
        client.generic("GET", f"/{safe}")
        client.post(
            "/admin/login/", {"username": hostile.encode("utf-8", "replace"), "password": "x"}
        )
        logging.getLogger("somewhere").warning("user %s failed", hostile)
        structlog.get_logger("elsewhere").warning("failed", user=hostile, **{hostile: 1})

        assert not [line for line in log() if line["event"] == "forged"]
        assert len(log()) == 5

    def test_a_terminal_is_not_steered_by_what_clients_send(self, client: Client) -> None:
        with captured("console") as stream:
            structlog.get_logger("here").warning("failed", user="\x1b]0;title\x07\r\nforged")

        assert "\x1b]" not in stream.getvalue()
        assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.django_db
def test_no_secret_of_any_request_is_in_the_log(client: Client, log: Lines) -> None:
    body = {
        "username": "canary1", "email": "canary.person@canary.example",
        "password": "canary-password-1", "login": "canary.person@canary.example",
        "refresh": crashing_urls.CANARY_TOKEN,
    }  # fmt: skip
    for path in ("auth/register", "auth/login", "auth/refresh", "auth/logout", "users/me"):
        client.post(
            f"/api/v1/{path}?password=canary-query",
            body,
            content_type="application/json",
            headers={
                "authorization": f"Bearer {crashing_urls.CANARY_TOKEN}",
                "cookie": "sessionid=canary-password",
            },
        )
    client.post(
        "/admin/login/", {"username": "canary.person@a.example", "password": "canary-password"}
    )
    logging.getLogger("x").error(
        "mail to canary.person@canary.example failed: Authorization: Bearer canary_signature"
    )
    structlog.get_logger("x").error("failed", password="canary-password", headers=body)

    text = json.dumps(log())
    assert not [canary for canary in CANARIES if canary in text]
    assert len(log()) == 8


class TestLogFormat:
    def test_follows_the_choice_else_the_stream(self) -> None:
        class Terminal(StringIO):
            def isatty(self) -> bool:
                return True

        assert log_format(chosen="json", stream=Terminal()) == "json"
        assert log_format(chosen=None, stream=Terminal()) == "console"
        assert log_format(chosen=None, stream=StringIO()) == "json"


@celery_app.task(name="tests.note")
def note() -> None:
    structlog.get_logger("task").info("noted", seen=current_request_id())


@pytest.mark.django_db
def test_a_task_carries_the_id_of_the_request_that_caused_it() -> None:
    if not (django_settings.REDIS_URL or django_settings.AMQP_URL):
        pytest.skip("there is no broker here")
    queue = f"test-{os.getpid()}"
    with (
        start_worker(
            celery_app,
            queues=[queue],
            perform_ping_check=False,
            pool="solo",
            shutdown_timeout=PATIENCE_S,
        ),
        captured("json") as stream,
        bind_request_id("asked-by-me"),
        structlog.contextvars.bound_contextvars(request_id="asked-by-me"),
    ):
        note.apply_async(queue=queue)
        deadline = time.monotonic() + PATIENCE_S
        while '"task_succeeded"' not in stream.getvalue():
            assert time.monotonic() < deadline, stream.getvalue()
            time.sleep(0.05)

    lines = {line["event"]: line for line in map(json.loads, stream.getvalue().splitlines())}
    assert lines["noted"]["seen"] == lines["noted"]["request_id"] == "asked-by-me"
    assert lines["task_succeeded"]["request_id"] == "asked-by-me"


@pytest.fixture
def collector() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


CRASH = """
import django
django.setup()
from django.conf import settings
from django.test import Client, override_settings
from tests.veza.crashing_urls import CANARY_TOKEN
with override_settings(ROOT_URLCONF="tests.veza.crashing_urls"):
    client = Client(raise_request_exception=False)
    answer = client.post(
        "/api/v1/crash?password=canary-query",
        {"password": "canary-password"},
        headers={
            "x-request-id": "asked-by-me",
            "authorization": f"Bearer {CANARY_TOKEN}",
            "cookie": "sessionid=canary-password",
        },
    )
print(answer.status_code)
"""


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=PATIENCE_S,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "veza.settings", **environ},
    )  # fmt: skip


def test_sentry_gets_the_bug_with_the_request_id_and_without_secrets(collector) -> None:
    code = CRASH + "\nimport sentry_sdk\nsentry_sdk.flush(5)\n"

    result = run(code, SENTRY_DSN=collector.dsn)

    assert result.stdout == "500\n", result.stderr
    sent = b"\n".join(collector.bodies).decode()
    events = [json.loads(line) for line in sent.splitlines() if '"exception"' in line]
    [event] = [event for event in events if "exception" in event]
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert event["tags"]["request_id"] == "asked-by-me"
    assert event["release"].startswith("veza@")
    assert not [canary for canary in CANARIES if canary in sent]


def test_spans_reach_the_collector_with_the_request_id_and_without_secrets(collector) -> None:
    code = CRASH + (
        "\nclient.get('/api/v1/users/me?token=canary-query')"
        "\nclient.get('/readyz')"
        "\nfrom opentelemetry import trace\ntrace.get_tracer_provider().force_flush()\n"
    )

    result = run(code, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, VEZA_ROLE="web")

    assert result.stdout == "500\n", result.stderr
    requests = [ExportTraceServiceRequest.FromString(body) for body in collector.bodies]
    resources = [resource for request in requests for resource in request.resource_spans]
    spans = [
        span for resource in resources for scope in resource.scope_spans for span in scope.spans
    ]
    text = "\n".join(str(request) for request in requests)
    assert 'string_value: "veza-web"' in text
    assert "GET api/v1/users/me" in {span.name for span in spans}
    assert 'string_value: "asked-by-me"' in text
    assert "readyz" not in {span.name for span in spans}
    assert not [canary for canary in CANARIES if canary in text]


def test_traces_without_their_packages_end_in_one_sentence() -> None:
    code = "import sys\nsys.modules['opentelemetry.sdk'] = None\nimport django\ndjango.setup()\n"

    result = run(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert result.returncode != 0
    assert "install veza[otel], or unset it" in result.stderr.splitlines()[-1]


def test_neither_is_even_imported_without_an_address() -> None:
    code = (
        "import sys\nimport django\ndjango.setup()\n"
        "print([name for name in ('sentry_sdk', 'opentelemetry.sdk') if name in sys.modules])\n"
    )

    assert run(code).stdout == "[]\n"
