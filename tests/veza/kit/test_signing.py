"""Calls of other servers: only signed ones, and each once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from tests.veza.kit.conftest import assert_problem
from veza.celery import forget_nonces
from veza.kit.models import UsedNonce
from veza.kit.signing import Call, sign

pytestmark = pytest.mark.django_db

SECRET = "a-secret-between-two-servers-0001"
OLD = "the-secret-that-was-used-before-1"
TARGET = "/api/v1/internal/signed?job=7&name=%C3%BC"
BODY = b'{"version": 3}'


@pytest.fixture(autouse=True)
def _secrets() -> Iterator[None]:
    with override_settings(INTERNAL_API_SECRETS=[SECRET, OLD]):
        yield


def header(*, secret: str = SECRET, now: datetime | None = None, **changes: Any) -> str:
    call = Call(**({"method": "POST", "target": TARGET, "body": BODY} | changes))
    return sign(call, secret=secret, now=now or timezone.now())


def post(client: Client, signature: str | None, target: str = TARGET, body: bytes = BODY) -> Any:
    headers = {} if signature is None else {"X-Veza-Signature": signature}
    return client.post(target, body, content_type="application/json", headers=headers)


def test_a_signed_call_is_taken(client):
    answer = post(client, header())

    assert (answer.status_code, answer.json()) == (200, {"version": 3})


def test_so_is_one_with_the_secret_of_before_and_one_without_a_body(client):
    assert post(client, header(secret=OLD)).status_code == 200
    signature = header(method="GET", target="/api/v1/internal/signed", body=b"")
    assert (
        client.get("/api/v1/internal/signed", headers={"X-Veza-Signature": signature}).status_code
        == 200
    )


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(lambda: None, id="none"),
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: header(secret="another-secret-of-nobody-here-001"), id="wrong key"),
        pytest.param(lambda: header(body=b'{"version": 4}'), id="another body"),
        pytest.param(lambda: header(target="/api/v1/internal/signed"), id="without the query"),
        pytest.param(lambda: header(target="/other/"), id="another path"),
        pytest.param(lambda: header(method="PUT"), id="another method"),
        pytest.param(lambda: header().replace("v1=", "v0="), id="another version"),
        pytest.param(lambda: header().replace("t=", "t=0"), id="another spelling of the time"),
        pytest.param(lambda: header().upper(), id="capitals"),
        pytest.param(lambda: header() + ",v1=" + "0" * 64, id="two signatures"),
        pytest.param(lambda: header() + " ", id="a blank"),
        pytest.param(lambda: header()[:-1], id="cut"),
        pytest.param(lambda: "t=1,n=ü,v1=x", id="no ASCII"),
        pytest.param(lambda: "t=" + "9" * 5000, id="long"),
    ],
)
def test_nothing_else_is(client, signature):
    assert_problem(post(client, signature()), 401, "signature_invalid")
    assert not UsedNonce.objects.exists()


def test_a_token_of_a_user_is_no_signature(client):
    answer = client.post(TARGET, BODY, "application/json", headers={"Authorization": "Bearer x"})

    assert_problem(answer, 401, "signature_invalid")
    assert answer["WWW-Authenticate"] == "Veza-Signature"


@pytest.mark.parametrize("seconds", [-305, 305, 10**9])
def test_the_time_must_be_near(client, seconds):
    at = timezone.now() + timedelta(seconds=seconds)

    assert_problem(post(client, header(now=at)), 401, "signature_expired")


@pytest.mark.parametrize("seconds", [-295, 295])
def test_clocks_may_differ_a_little(client, seconds):
    at = timezone.now() + timedelta(seconds=seconds)

    assert post(client, header(now=at)).status_code == 200


def test_a_call_is_taken_once(client):
    signature = header()
    assert post(client, signature).status_code == 200

    assert_problem(post(client, signature), 401, "signature_replayed")


@pytest.mark.django_db(transaction=True)
def test_of_parallel_copies_one_is_taken(client):
    signature = header()

    def call(_: int) -> int:
        try:
            return int(post(Client(), signature).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(call, range(16)))

    assert statuses == [200] + [401] * 15


def test_without_a_secret_nothing_is_taken(client):
    with override_settings(INTERNAL_API_SECRETS=[]):
        assert_problem(post(client, header(secret="")), 401, "signature_invalid")


def test_nonces_are_forgotten_when_their_calls_are_too_old(client):
    signature = header()
    post(client, signature)
    assert forget_nonces() == 0
    UsedNonce.objects.update(used_at=timezone.now() - timedelta(seconds=601))

    assert forget_nonces() == 1
