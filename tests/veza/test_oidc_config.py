"""OIDC_PROVIDERS and OIDC_REDIRECT_URIS: what is accepted, and in which words it is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.veza.test_config import STRONG, faults_of
from veza.config import load
from veza.config.oidc import read_providers

SECRET = "the secret of a client"
ONE = {
    "issuer": "https://id.example.org",
    "client_id": "veza",
    "client_secret": SECRET,
    "label": "Example",
}


@pytest.fixture
def embedded(tmp_path: Path) -> dict[str, str]:
    return {"VEZA_DATA_DIR": str(tmp_path)}


def providers(**changed: Any) -> dict[str, str]:
    told = {name: value for name, value in (ONE | changed).items() if value is not None}
    return {"OIDC_PROVIDERS": json.dumps({"example": told})}


class TestProviders:
    def test_are_read_from_json(self, embedded: dict[str, str]) -> None:
        config = load(embedded | providers())

        found = read_providers(config.oidc_providers)

        assert list(found) == ["example"]
        assert found["example"].issuer == "https://id.example.org"
        assert found["example"].client_secret.get_secret_value() == SECRET
        assert SECRET not in repr(config) + repr(found)

    def test_are_none_at_first(self, embedded: dict[str, str]) -> None:
        assert read_providers(load(embedded).oidc_providers) == {}

    def test_keep_the_issuer_to_the_letter(self, embedded: dict[str, str]) -> None:
        config = load(embedded | providers(issuer="https://id.example.org/tenant/"))

        found = read_providers(config.oidc_providers)

        assert found["example"].issuer == "https://id.example.org/tenant/"

    @pytest.mark.parametrize(
        ("changed", "where"),
        [
            ({"issuer": None}, "example.issuer: Field required"),
            ({"issuer": "id.example.org"}, "example.issuer: use a URL"),
            ({"issuer": "ftp://id.example.org"}, "example.issuer: use a URL"),
            ({"issuer": "https://id.example.org/?a=b"}, "example.issuer: an issuer has no"),
            ({"issuer": "https://a@id.example.org"}, "example.issuer: an issuer has no"),
            ({"client_id": ""}, "example.client_id: "),
            ({"client_secret": ""}, "example.client_secret: "),
            ({"client_secret": None}, "example.client_secret: Field required"),
            ({"label": None}, "example.label: Field required"),
            ({"lable": "x"}, "example.lable: Extra inputs"),
        ],
    )
    def test_say_what_is_wrong(
        self, embedded: dict[str, str], changed: dict[str, Any], where: str
    ) -> None:
        [fault] = faults_of(embedded | providers(**changed))

        assert fault.startswith(f"OIDC_PROVIDERS: {where}")
        assert SECRET not in fault

    @pytest.mark.parametrize("text", ["x", "[]", '{"example": 1}', '{"Example": {}}', '{"": {}}'])
    def test_are_json_of_this_form(self, embedded: dict[str, str], text: str) -> None:
        [fault] = faults_of(embedded | {"OIDC_PROVIDERS": text})

        assert fault.startswith("OIDC_PROVIDERS: ")

    def test_have_an_issuer_each(self, embedded: dict[str, str]) -> None:
        text = json.dumps({"one": ONE, "two": ONE})

        assert faults_of(embedded | {"OIDC_PROVIDERS": text}) == [
            "OIDC_PROVIDERS: two providers have the same issuer"
        ]

    def test_are_reached_safely_in_production(self) -> None:
        environ = {
            "VEZA_ENV": "production",
            "SECRET_KEY": f"{STRONG}1",
            "ENCRYPTION_KEYS": f"{STRONG}2",
            "INTERNAL_API_SECRET": f"{STRONG}4",
            "CHAT_TOKEN_SECRET": f"{STRONG}5",
            "DATABASE_URL": "postgres://veza:word@db.internal:5432/veza",
            "ALLOWED_HOSTS": "api.example.org",
            "PUBLIC_URL": "https://api.example.org/",
        }
        load(environ | providers())

        assert faults_of(environ | providers(issuer="http://id.example.org")) == [
            "OIDC_PROVIDERS: production takes https issuers only"
        ]


class TestRedirectUris:
    def test_may_belong_to_apps(self, embedded: dict[str, str]) -> None:
        uris = ["https://app.example.org/signed-in", "org.example.app:/signed-in"]

        assert load(embedded | {"OIDC_REDIRECT_URIS": ",".join(uris)}).oidc_redirect_uris == uris

    @pytest.mark.parametrize("uri", ["/signed-in", "javascript:x()", "https://a.example/#x", "x"])
    def test_are_whole_addresses(self, embedded: dict[str, str], uri: str) -> None:
        assert faults_of(embedded | {"OIDC_REDIRECT_URIS": uri}) == [
            "OIDC_REDIRECT_URIS: use whole addresses without a fragment"
        ]
