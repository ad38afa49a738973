"""Providers to sign in at: a real one, and one that forges."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from rest_framework.test import APIClient

from tests.apps.auth.oidc.forger import Forger
from tests.apps.auth.oidc.pages import sign_in_there
from tests.apps.auth.oidc.provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, running_provider
from tests.apps.auth.oidc.steps import begun, finish


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """Of oidc-provider."""
    with running_provider() as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.RATE_LIMIT_LOGIN_PER_MINUTE = 1000
    settings.RATE_LIMIT_PER_MINUTE = 1000
    settings.OIDC_REDIRECT_URIS = [CALLBACK]
    settings.OIDC_PROVIDERS = {}
    # Setting it anew makes a new adapter: nothing that was read for another test is known.
    settings.IDENTITY_PROVIDER_BACKEND = settings.IDENTITY_PROVIDER_BACKEND


@pytest.fixture
def real(settings: Any, issuer: str) -> None:
    """oidc-provider is set up as `real`."""
    settings.OIDC_PROVIDERS = {
        "real": {
            "issuer": issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "label": "A real one",
        }
    }


@pytest.fixture
def sign_in_by(real: None) -> Callable[..., Any]:
    """The whole way of a person through Veza and oidc-provider; the answer of `finish`."""

    def go(client: Any, login: str, **more: str) -> Any:
        told = begun(client)
        return finish(client, told, sign_in_there(told["authorization_url"], login=login), **more)

    return go


@pytest.fixture
def forger(settings: Any, httpserver: HTTPServer) -> Forger:
    """A provider, set up as `forged`, that says what the test wants."""
    forger = Forger(httpserver)
    settings.OIDC_PROVIDERS = {
        "forged": {
            "issuer": forger.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "label": "A forging one",
        }
    }
    return forger


@pytest.fixture
def signed_in(api_client: APIClient, forger: Forger) -> Callable[[], Any]:
    """Somebody signs in at the forger; the answer of `finish`."""

    def go() -> Any:
        told = begun(api_client, "forged")
        back = forger.authorize(told["authorization_url"])
        return finish(api_client, told, back, "forged")

    return go
