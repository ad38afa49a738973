"""What a front end does, step by step."""

from typing import Any

from rest_framework.test import APIClient

from tests.apps.auth.oidc.provider import CALLBACK

ROOT = "/api/v1/auth/social"
IDENTITIES = f"{ROOT}/identities"
Told = dict[str, Any]


def begin(client: APIClient, name: str = "real", redirect_uri: str = CALLBACK) -> Any:
    return client.post(f"{ROOT}/{name}/begin", {"redirect_uri": redirect_uri}, format="json")


def begun(client: APIClient, name: str = "real") -> Told:
    response = begin(client, name)
    assert response.status_code == 200, response.content
    return dict(response.json())


def finish(client: APIClient, begun: Told, back: Told, name: str = "real", **more: str) -> Any:
    """With what `begin` told, and with what the browser came back."""
    body = {"state": back["state"], "code": back["code"], "secret": begun["secret"], **more}
    return client.post(f"{ROOT}/{name}/finish", body, format="json")


def code_of(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json", response.content
    return response.status_code, response.json()["code"]
