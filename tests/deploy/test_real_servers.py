"""The real servers do what the suites that need them count on."""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from deploy.services import clamd, nats, rabbitmq
from deploy.services.wire import State
from tests.patience import PATIENCE_S

CHUNK_BYTES = 64 * 1024


@contextlib.contextmanager
def connected(variable: str) -> Iterator[socket.socket]:
    parts = urlsplit(os.environ[variable])
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as local:
            local.connect(parts.path)
            yield local
        return
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connection:
        yield connection


def scanned(content: bytes) -> str:
    """What clamd says to INSTREAM: chunks with their length before them, and an empty one."""
    with connected("CLAMD_URL") as connection:
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), CHUNK_BYTES):
            chunk = content[start : start + CHUNK_BYTES]
            connection.sendall(struct.pack("!L", len(chunk)) + chunk)
        connection.sendall(struct.pack("!L", 0))
        return connection.makefile("rb").read().rstrip(b"\0").decode()


@pytest.mark.needs_clamd
class TestClamd:
    def test_finds_the_test_virus(self):
        answer = scanned(clamd.EICAR)

        assert answer.startswith("stream: ")
        assert answer.endswith(" FOUND")

    def test_lets_clean_bytes_pass(self):
        assert scanned(b"RIFF\0\0\0\0WAVEfmt " + bytes(1_000_000)) == "stream: OK"

    def test_takes_more_than_its_usual_limit_of_100_mb(self):
        assert scanned(bytes(101 * 1024 * 1024)) == "stream: OK"


@pytest.mark.needs_rabbitmq
class TestRabbitmq:
    def test_lets_us_log_in(self):
        assert rabbitmq.probe(os.environ["AMQP_URL"]).is_usable

    def test_refuses_a_wrong_password(self):
        parts = urlsplit(os.environ["AMQP_URL"])
        wrong = f"amqp://nobody:wrong@{parts.hostname}:{parts.port}/"

        assert rabbitmq.probe(wrong).state is State.REFUSED


@pytest.mark.needs_nats
class TestNats:
    def test_has_jetstream(self):
        assert nats.probe(os.environ["NATS_URL"]).is_usable

    def test_passes_a_message_on(self):
        with connected("NATS_URL") as connection:
            answers = connection.makefile("rb")
            assert answers.readline().startswith(b"INFO ")
            connection.sendall(
                b'CONNECT {"verbose":false}\r\nSUB veza.test 1\r\nPUB veza.test 5\r\nhello\r\n'
            )
            lines = [answers.readline() for _ in range(2)]

        assert lines == [b"MSG veza.test 1 5\r\n", b"hello\r\n"]
