"""The views of tests/veza/kit/urls.py behind the whole stack of middleware."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings

from veza.kit.backends import backend


@pytest.fixture
def client() -> Iterator[Client]:
    """As a client meets the server: a bug is a 500 and no exception.

    Redis gets more time than in service, since tests share their processors.
    """
    backend.cache_clear()
    with override_settings(
        ROOT_URLCONF="tests.veza.kit.urls",
        RATE_LIMIT_PER_MINUTE=100_000,
        RATE_LIMIT_TIMEOUT_S=5,
    ):
        yield Client(raise_request_exception=False)
    backend.cache_clear()


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem document with everything that the contract promises."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["type"] == f"urn:veza:error:{code}"
    assert document["title"]
    assert document["instance"].startswith("/")
    assert document["success"] is False
    assert document["error"] == document["detail"]
    assert document["request_id"] == response["X-Request-ID"]
    assert ("errors" in document) is (status == 400)
    return document
