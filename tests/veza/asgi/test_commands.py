"""`manage.py web`, `manage.py api` and Daphne as processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.patience import PATIENCE_S
from tests.veza.asgi.serving import is_alive, process
from tests.veza.asgi.wire import Wire, request, until
from veza.embedded.ports import free_port

WEB = ("manage.py", "web")
API = ("manage.py", "api")
JSON = "Content-Type: application/json"
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture(scope="module")
def web():
    port = free_port()
    with process([*WEB, "--port", str(port)], port=port):
        yield port


@pytest.fixture(scope="module")
def api():
    port = free_port()
    with process([*API, "--port", str(port)], port=port):
        yield port


def run(*argv: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *argv],
        cwd=settings.BASE_DIR, env=os.environ | environment, capture_output=True, text=True,
        check=False, timeout=PATIENCE_S,
    )  # fmt: skip


def start_request(wire: Wire) -> bytes:
    """The first half of a request that the server will wait for; returns the second half."""
    body = json.dumps({"half": "of a body"}).encode()
    head = request("/no-such-page", JSON, f"Content-Length: {len(body)}", method="POST")
    wire.send(head + body[:10])
    return body[10:]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except ConnectionRefusedError:
        return True
    return False


class TestWeb:
    @pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
    def test_is_alive(self, web, path):
        with Wire(web) as wire:
            answer = wire.get(path, "X-Request-ID: mine")
            assert (answer.status, answer.document) == (200, {"status": "alive"})
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-request-id"] == "mine"
            assert "server" not in answer.headers
            assert wire.get(path, method="HEAD").headers["content-length"] == "18"

    def test_unknown_page_is_a_problem(self, web):
        with Wire(web) as wire:
            answer = wire.get("/no-such-page")
            assert (answer.status, answer.document["code"]) == (404, "not_found")

    def test_unknown_websocket_is_a_problem(self, web):
        with Wire(web) as wire:
            answer = wire.get("/no-such-socket", *HANDSHAKE)
            assert (answer.status, answer.document["code"]) == (404, "not_found")

    def test_nonsense_is_a_problem(self, web):
        with Wire(web) as wire:
            answer = wire.send(b"NONSENSE\r\n\r\n").answer()
            assert (answer.status, answer.document["code"]) == (400, "malformed_request")

    def test_taken_port_is_told_in_one_sentence(self, web):
        told = run(*WEB, "--port", str(web))
        assert told.returncode != 0
        assert len(told.stderr.strip().splitlines()) == 1
        assert f"Port {web} of 127.0.0.1 is taken by another program" in told.stderr

    def test_help_tells_what_it_does(self):
        assert "--port" in run(*WEB, "--help").stdout


class TestStop:
    @pytest.mark.parametrize("processes", ["1", "2"])
    def test_finishes_what_is_in_flight_and_takes_nothing_new(self, processes):
        port = free_port()
        with (
            process([*WEB, "--port", str(port), "--processes", processes], port=port) as running,
            Wire(port) as wire,
        ):
            rest = start_request(wire)
            running.send_signal(signal.SIGTERM)
            until(lambda: is_refused(port))
            assert running.poll() is None
            answer = wire.send(rest).answer()
            assert (answer.status, answer.headers["connection"]) == (404, "close")
            assert running.wait(timeout=PATIENCE_S) == 0

    @pytest.mark.parametrize("processes", ["2"])
    def test_second_signal_does_not_wait(self, processes):
        port = free_port()
        with (
            process([*WEB, "--port", str(port), "--processes", processes], port=port) as running,
            Wire(port) as wire,
        ):
            start_request(wire)
            running.send_signal(signal.SIGTERM)
            until(lambda: is_refused(port))
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=PATIENCE_S) == 0

    def test_does_not_wait_for_a_client_for_ever(self):
        port = free_port()
        argv = [*WEB, "--port", str(port)]
        with (
            process(argv, port=port, SHUTDOWN_TIMEOUT_S="2") as running,
            Wire(port) as wire,
        ):
            start_request(wire)
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=PATIENCE_S) == 0
            answer = wire.answer()
            assert (answer.status, answer.document["code"]) == (503, "server_stopping")


class TestProcesses:
    def test_one_that_dies_is_replaced(self):
        port = free_port()
        with process([*WEB, "--port", str(port), "--processes", "2"], port=port) as running:
            until(lambda: len(children(running.pid)) == 2)
            until(lambda: is_alive(port))
            first = children(running.pid)
            # A process that dies young would die again, so this one is let grow up.
            until(lambda: age_s(first[0]) > 6)
            os.kill(first[0], signal.SIGKILL)
            until(lambda: len(set(children(running.pid)) - set(first)) == 1)
            assert is_alive(port)

    def test_end_when_the_one_that_minds_them_is_killed(self):
        port = free_port()
        with process([*WEB, "--port", str(port), "--processes", "2"], port=port) as running:
            until(lambda: len(children(running.pid)) == 2)
            running.kill()
            running.wait()
            until(lambda: is_refused(port))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
class TestApi:
    def test_answers(self, api):
        with Wire(api) as wire:
            assert wire.get("/healthz").document == {"status": "alive"}
            assert wire.get("/no-such-page").document["code"] == "not_found"

    def test_body_without_a_length_is_411(self, api):
        with Wire(api) as wire:
            head = request("/x", JSON, "Transfer-Encoding: chunked", method="POST")
            answer = wire.send(head + b"2\r\n{}\r\n0\r\n\r\n").answer()
            assert (answer.status, answer.document["code"]) == (411, "length_required")
            assert answer.headers["x-request-id"] == answer.document["request_id"]

    def test_body_over_the_limit_is_413(self, api):
        with Wire(api) as wire:
            wire.send(request("/x", JSON, "Content-Length: 99999999", method="POST"))
            assert wire.answer().document["code"] == "body_too_large"

    def test_taken_port_is_told_in_one_sentence(self, api):
        told = run(*API, "--port", str(api))
        assert told.returncode != 0
        assert "is taken by another program" in told.stderr

    def test_stops_with_code_0(self):
        port = free_port()
        with process([*API, "--port", str(port), "--processes", "2"], port=port) as running:
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=PATIENCE_S) == 0

    def test_workers_end_when_the_one_that_minds_them_is_killed(self):
        port = free_port()
        with process([*API, "--port", str(port)], port=port) as running:
            running.kill()
            running.wait()
            until(lambda: is_refused(port))


@pytest.mark.django_db(transaction=True)
def test_whole_application_runs_under_daphne():
    port = free_port()
    url = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    argv = ["-m", "daphne", "-p", str(port), "-v", "0", "veza.asgi:application"]
    account = {"username": "daphne", "email": "daphne@example.org", "password": "correct horse 7"}
    with process(argv, port=port, DATABASE_URL=url), Wire(port) as wire:
        assert wire.get("/no-such-page").document["code"] == "not_found"
        made = wire.get(
            "/api/v1/auth/register", JSON, method="POST", body=json.dumps(account).encode()
        )
        assert made.status == 201, made.body
        form = {"login": "daphne", "password": account["password"]}
        access = wire.get(
            "/api/v1/auth/login", JSON, method="POST", body=json.dumps(form).encode()
        ).document["access"]
        me = wire.get("/api/v1/users/me", f"Authorization: Bearer {access}")
        assert (me.status, me.document["username"]) == (200, "daphne")


def children(pid: int) -> list[int]:
    """The processes that `pid` has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def age_s(pid: int) -> float:
    """How long ago the process began."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return uptime_s - ticks / os.sysconf("SC_CLK_TCK")
