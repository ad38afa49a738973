"""The OpenAPI document."""

import json
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.test import Client
from openapi_spec_validator import validate


def test_the_schema_has_no_warnings_and_is_valid_openapi_3_1(client: Client, tmp_path) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", f"--file={tmp_path / 's.yaml'}")

    document = client.get("/api/schema/", headers={"accept": "application/json"}).json()
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_anyone_may_read_it_as_yaml_and_as_json(client: Client) -> None:
    as_yaml = client.get("/api/schema/")
    as_json = client.get("/api/schema/?format=json")

    assert yaml.safe_load(as_yaml.content) == json.loads(as_json.content)
    assert as_yaml["Content-Type"].startswith("application/vnd.oai.openapi")
    assert "max-age" in as_json["Cache-Control"]


def test_an_unknown_format_is_a_problem_and_no_crash(client: Client) -> None:
    assert client.get("/api/schema/?format=exe").status_code == 404
    answer = client.get("/api/schema/", headers={"accept": "image/png"})
    assert answer.status_code == 406
    assert answer["Content-Type"] == "application/problem+json"


def test_every_operation_has_a_summary_or_description_an_id_and_a_tag(client: Client) -> None:
    document = client.get("/api/schema/?format=json").json()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]

    for path, method, operation in operations:
        where = f"{method} {path}"
        assert operation.get("summary") or operation.get("description"), where
        assert operation["tags"], where
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(set(ids)) == len(ids)


REPEATABLE = {
    "create_upload": "takes the header by itself: the body may come in pieces",
    "create_direct_upload": "nobody hears of an upload that is begun twice; it expires",
    "events_create": "each event has an id of its own",
    "auth_tokens_create": "its secret is shown once and kept as a hash alone",
    "auth_passkeys_register": "a challenge is good for once",
    "auth_social_finish": "a code is good for once",
    "auth_email_resend": "a repeat makes nothing",
    "auth_password_reset": "a repeat makes nothing",
    "users_me_export_create": "the one that runs is answered",
}
"""POSTs that create and take no Idempotency-Key, and why."""


def test_every_post_that_creates_takes_an_idempotency_key(client: Client) -> None:
    document = client.get("/api/schema/?format=json").json()
    posts = [methods["post"] for methods in document["paths"].values() if "post" in methods]
    creating = {
        post["operationId"]: any(
            each["name"] == "Idempotency-Key" for each in post.get("parameters", ())
        )
        for post in posts
        if {"201", "202"} & post["responses"].keys()
    }

    assert {name for name, takes_key in creating.items() if not takes_key} == REPEATABLE.keys()


class TestExportOpenapi:
    def test_writes_what_check_then_accepts(self, settings, tmp_path) -> None:
        settings.BASE_DIR = tmp_path

        call_command("export_openapi", stdout=StringIO())
        call_command("export_openapi", "--check", stdout=StringIO())

        text = (tmp_path / "docs" / "api" / "openapi.yaml").read_text()
        assert yaml.safe_load(text)["info"]["title"] == "Veza"

    def test_check_says_what_to_do_about_a_stale_file(self, settings, tmp_path) -> None:
        settings.BASE_DIR = tmp_path
        stale = tmp_path / "docs" / "api" / "openapi.yaml"
        stale.parent.mkdir(parents=True)
        stale.write_text("openapi: 3.1.1\n")

        with pytest.raises(CommandError, match=r"manage\.py export_openapi"):
            call_command("export_openapi", "--check", stdout=StringIO())
        assert stale.read_text() == "openapi: 3.1.1\n"
