"""Every operation of the schema under generated input: no crash, and answers as documented.

Deterministic: the same examples in each run. Longer runs: FUZZ_EXAMPLES=500.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.factories.auth import make_user, sign_in
from veza.wsgi import application

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
for playlist in ("application/vnd.apple.mpegurl", "audio/x-mpegurl"):
    schemathesis.serializer.alias(playlist, "text/plain")
config = schemathesis.Config.from_dict({"generation": {"mode": "all"}})
schema = schemathesis.openapi.from_wsgi("/api/schema?format=json", application, config=config)
fuzz = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _no_rate_limit(settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_LOGIN_PER_MINUTE = 10**6


@pytest.fixture(autouse=True)
def _webtransport_is_served(settings) -> None:
    """Elsewhere: that a process of ours which does not run is told as 503 is tested by itself."""
    settings.WEBTRANSPORT_CERTIFICATE = "certificate.pem"


@pytest.fixture(autouse=True)
def _requests_share_the_connection_of_the_test() -> Iterator[None]:
    """As in Django's test client: a request must not close what holds the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def access(db: None) -> str:
    """The token of a person. Whatever an example does to him is taken back after it."""
    return sign_in(make_user()).tokens.access


@pytest.mark.django_db
@schema.parametrize()
@fuzz
def test_strangers_and_users_get_documented_answers(case: Any, access: str) -> None:
    case.call_and_validate(checks=CHECKS)
    with transaction.atomic():
        case.call_and_validate(headers={"Authorization": f"Bearer {access}"}, checks=CHECKS)
        transaction.set_rollback(True)
