"""Passwords that stand in a collection of breached ones are refused, where there is one."""

import logging
from hashlib import sha1
from threading import Event
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from rest_framework.test import APIClient
from werkzeug import Response

from apps.auth.models import User
from tests.factories.auth import PASSWORD
from tests.patience import PATIENCE_S
from veza.integrations.breached_passwords import ranges

pytestmark = pytest.mark.django_db(transaction=True)  # in a transaction nobody is asked

REGISTER = "/api/v1/auth/register"
ADA = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
DIGEST = sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
PREFIX, END = DIGEST[:5], DIGEST[5:]
OTHERS = f"{'0' * 35}:3\r\n{'F' * 35}:0"


@pytest.fixture
def collection(settings: Any, httpserver: HTTPServer) -> HTTPServer:
    settings.BREACHED_PASSWORDS_URL = httpserver.url_for("/range")
    settings.BREACHED_PASSWORDS_BACKEND = settings.BREACHED_PASSWORDS_BACKEND  # made anew
    return httpserver


def holds(collection: HTTPServer, lines: str) -> None:
    collection.expect_request(f"/range/{PREFIX}").respond_with_data(lines)


def register(client: APIClient, **headers: str) -> Any:
    return client.post(REGISTER, ADA, format="json", headers=headers)


def codes(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 400, response.content
    return [(fault["field"], fault["code"]) for fault in response.json()["errors"]]


class TestCollection:
    def test_refuses_what_stands_there(self, api_client, collection):
        holds(collection, f"{OTHERS}\r\n{END}:42")

        assert codes(register(api_client)) == [("password", "password_breached")]
        assert not User.objects.exists()

    def test_takes_what_does_not(self, api_client, collection):
        holds(collection, OTHERS)

        assert register(api_client).status_code == 201

    def test_takes_what_is_padding_alone(self, api_client, collection):
        holds(collection, f"{OTHERS}\r\n{END}:0")

        assert register(api_client).status_code == 201

    @pytest.mark.parametrize("lines", ["", "x", f"{END}", f"{END}:many", f"{END}:-1", ":::"])
    def test_is_not_believed_when_it_talks_nonsense(self, api_client, collection, lines):
        holds(collection, lines)

        assert register(api_client).status_code == 201

    def test_is_told_five_digits_and_nothing_else(self, api_client, collection):
        holds(collection, OTHERS)

        register(api_client)

        [(request, _)] = collection.log
        assert request.path == f"/range/{PREFIX}"
        assert request.query_string == b""
        assert request.headers["Add-Padding"] == "true"
        assert END not in str(request.headers).upper()
        assert "Cookie" not in request.headers
        assert "Authorization" not in request.headers

    def test_is_asked_ahead_of_the_transaction_of_an_idempotency_key(self, api_client, collection):
        holds(collection, f"{END}:42")

        response = register(api_client, **{"Idempotency-Key": "k1"})

        assert codes(response) == [("password", "password_breached")]
        assert len(collection.log) == 1

    def test_is_asked_by_nobody_unless_it_is_set_up(self, api_client, collection, settings):
        settings.BREACHED_PASSWORDS_URL = ""

        assert register(api_client).status_code == 201
        assert collection.log == []


class TestAway:
    """A password stays changeable, and the log tells."""

    @pytest.fixture(autouse=True)
    def _told(self, caplog: pytest.LogCaptureFixture):
        with caplog.at_level(logging.WARNING, logger="apps.auth.services.passwords"):
            yield
        told = [record.getMessage() for record in caplog.get_records("call")]
        assert told.count("password_breaches_unknown") == 1
        assert PASSWORD not in str(told)

    @pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
    def test_by_its_status(self, api_client, collection, status):
        collection.expect_request(f"/range/{PREFIX}").respond_with_data(
            f"{END}:42", status=status, headers={"Location": "/range/other"}
        )

        assert register(api_client).status_code == 201

    def test_because_nobody_listens(self, api_client, collection, settings):
        settings.BREACHED_PASSWORDS_URL = "http://127.0.0.1:1/range"

        assert register(api_client).status_code == 201

    def test_because_it_takes_too_long(self, api_client, collection, settings, monkeypatch):
        monkeypatch.setattr(ranges, "TIMEOUT_S", 0.1)
        settings.BREACHED_PASSWORDS_BACKEND = settings.BREACHED_PASSWORDS_BACKEND
        given_up = Event()
        collection.expect_request(f"/range/{PREFIX}").respond_with_handler(
            lambda _: Response(f"{END}:42" if given_up.wait(PATIENCE_S) else "")
        )

        response = register(api_client)
        given_up.set()

        assert response.status_code == 201

    def test_because_it_says_too_much(self, api_client, collection):
        holds(collection, f"{END}:42\r\n" + "\r\n" * ranges.MAX_BYTES)

        assert register(api_client).status_code == 201
