"""Whether a port is what it should be is learnt by speaking to it."""

import os
import struct
import uuid

import psycopg
import pytest
from django.db import connection

from deploy.services import catalogue, clamd, nats, postgres, rabbitmq, redis, wire
from deploy.services.wire import State
from tests.deploy.listeners import listener
from veza.embedded.ports import free_port

SERVICES = {service.name: service for service in catalogue.SERVICES if not service.program}
START = b"\x01\0\0" + struct.pack("!L", 4) + struct.pack("!HH", 10, 10) + b"\xce"
TUNE = b"\x01\0\0" + struct.pack("!L", 4) + struct.pack("!HH", 10, 30) + b"\xce"
JETSTREAM = b'INFO {"server_id":"A","jetstream":true}\r\n'


def probed(name: str, port: int) -> wire.Finding:
    return SERVICES[name].probe(SERVICES[name].url_at(port, database="veza"))


@pytest.fixture
def _short_patience(monkeypatch):
    monkeypatch.setattr(wire, "PATIENCE_S", 0.3)


@pytest.mark.parametrize("name", SERVICES)
class TestEveryService:
    def test_is_not_found_where_nothing_listens(self, name):
        assert probed(name, free_port()).state is State.SILENT

    @pytest.mark.usefixtures("_short_patience")
    def test_is_told_from_a_web_server(self, name):
        with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            assert probed(name, port).state is State.TAKEN

    @pytest.mark.usefixtures("_short_patience")
    def test_is_told_from_something_that_hangs_up(self, name):
        with listener(b"") as port:
            assert probed(name, port).state is State.TAKEN

    @pytest.mark.usefixtures("_short_patience")
    def test_is_told_from_something_that_says_nothing(self, name):
        with listener() as port:
            assert probed(name, port).state is State.TAKEN

    def test_is_not_found_at_an_address_without_a_port(self, name):
        scheme = SERVICES[name].variable.partition("_")[0].lower()
        assert SERVICES[name].probe(f"{scheme}://localhost").state is State.SILENT


class TestRedis:
    def test_that_answers_is_usable(self):
        with listener(b"+PONG\r\n") as port:
            assert redis.probe(f"redis://127.0.0.1:{port}/0").is_usable

    def test_is_given_the_password_of_the_url(self):
        with listener(b"+OK\r\n", b"+PONG\r\n") as port:
            assert redis.probe(f"redis://:secret@127.0.0.1:{port}/0").is_usable

    def test_that_wants_a_password_refuses_us(self):
        with listener(b"-NOAUTH Authentication required.\r\n") as port:
            finding = redis.probe(f"redis://127.0.0.1:{port}/0")

        assert finding.state is State.REFUSED
        assert "NOAUTH" in finding.detail


class TestRabbitmq:
    def test_that_lets_us_in_is_usable(self):
        with listener(START, TUNE) as port:
            assert rabbitmq.probe(f"amqp://guest:guest@127.0.0.1:{port}/").is_usable

    def test_that_hangs_up_at_our_password_refuses_us(self):
        with listener(START, b"") as port:
            finding = rabbitmq.probe(f"amqp://guest:guest@127.0.0.1:{port}/")

        assert finding.state is State.REFUSED

    def test_of_another_protocol_version_is_not_it(self):
        with listener(b"AMQP\x03\x01\0\0") as port:
            assert rabbitmq.probe(f"amqp://127.0.0.1:{port}/").state is State.TAKEN


class TestNats:
    def test_with_jetstream_is_usable(self):
        with listener(JETSTREAM, speaks_first=True) as port:
            assert nats.probe(f"nats://127.0.0.1:{port}").is_usable

    def test_without_jetstream_refuses_us(self):
        with listener(b'INFO {"server_id":"A"}\r\n', speaks_first=True) as port:
            assert nats.probe(f"nats://127.0.0.1:{port}").state is State.REFUSED

    @pytest.mark.parametrize("text", [b"INFO [1]\r\n", b"INFO {\r\n", b"INFO\r\n"])
    def test_with_another_greeting_is_not_it(self, text):
        with listener(text, speaks_first=True) as port:
            assert nats.probe(f"nats://127.0.0.1:{port}").state is State.TAKEN


class TestClamd:
    def test_that_answers_is_usable(self):
        with listener(b"PONG\0") as port:
            assert clamd.probe(f"tcp://127.0.0.1:{port}").is_usable

    def test_is_found_at_a_socket_in_the_file_system_too(self, tmp_path):
        assert clamd.probe(f"unix://{tmp_path}/clamd.ctl").state is State.SILENT


class TestPostgres:
    def test_that_speaks_and_then_fails_refuses_us(self):
        with listener(b"N", b"") as port:
            finding = postgres.probe(f"postgres://postgres@127.0.0.1:{port}/veza")

        assert finding.state is State.REFUSED

    @pytest.mark.django_db
    def test_in_which_we_may_create_databases_is_usable(self):
        assert postgres.probe(os.environ["DATABASE_URL"]).is_usable

    @pytest.mark.django_db
    def test_in_which_we_may_create_nothing_refuses_us(self):
        role = f"veza_probe_{uuid.uuid4().hex}"
        server = f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT']}"
        with psycopg.connect(os.environ["DATABASE_URL"], dbname="postgres", autocommit=True) as own:
            own.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
            try:
                finding = postgres.probe(f"postgres://{role}:secret@{server}/veza")
            finally:
                own.execute(f"DROP ROLE {role}")

        assert finding == wire.refused("PostgreSQL does not let us create databases")
