from typing import Any

import pytest
from django.test import Client, override_settings

from tests.veza.kit.conftest import assert_problem

pytestmark = pytest.mark.django_db


class TestFailuresOfViews:
    @pytest.mark.parametrize(
        ("kind", "status", "code"),
        [
            ("missing", 404, "not_found"),
            ("gone", 410, "gone"),
            ("throttled", 429, "rate_limited"),
            ("upstream", 503, "upstream_unavailable"),
            ("full", 507, "storage_full"),
            ("unauthenticated", 401, "not_authenticated"),
            ("http404", 404, "not_found"),
            ("denied", 403, "forbidden"),
            ("suspicious", 400, "bad_request"),
            ("bug", 500, "server_error"),
            ("database", 503, "database_unavailable"),
        ],
    )
    @pytest.mark.parametrize("where", ["/api/v1/failing/", "/function/"])
    def test_are_problem_documents_that_tell_nothing_of_the_inside(
        self, client: Client, where: str, kind: str, status: int, code: str
    ) -> None:
        response = client.get(where + kind)
        assert_problem(response, status, code)
        assert b"secret" not in response.content

    def test_carry_the_details_of_the_error(self, client: Client) -> None:
        assert client.get("/api/v1/failing/missing").json()["track_id"] == "7"

    def test_say_when_to_come_back(self, client: Client) -> None:
        assert client.get("/api/v1/failing/throttled")["Retry-After"] == "17"
        assert client.get("/api/v1/failing/database")["Retry-After"] == "1"

    def test_say_how_to_authenticate(self, client: Client) -> None:
        assert client.get("/api/v1/failing/unauthenticated")["WWW-Authenticate"] == "Bearer"
        response = client.get("/api/v1/protected")
        assert_problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"].startswith("Bearer")

    def test_a_statement_that_takes_too_long_is_a_request_timeout(self, client: Client) -> None:
        assert_problem(client.get("/api/v1/slow"), 503, "request_timeout")

    def test_a_number_that_no_column_holds_is_the_clients_fault(self, client: Client) -> None:
        assert_problem(client.get("/api/v1/out-of-range"), 400, "value_out_of_range")

    def test_a_bug_is_logged_with_its_traceback(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        client.get("/api/v1/failing/bug")
        assert any(record.exc_info and record.levelname == "ERROR" for record in caplog.records)


class TestFailuresOfDjango:
    def test_an_unknown_address(self, client: Client) -> None:
        assert_problem(client.get("/api/v1/nowhere"), 404, "not_found")
        assert_problem(client.get("/nowhere"), 404, "not_found")

    def test_a_method_that_is_not_there_even_for_strangers(self, client: Client) -> None:
        response = client.delete("/api/v1/protected")
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "get", "X" * 500])
    def test_a_method_that_nothing_has(self, client: Client, method: str) -> None:
        assert_problem(client.generic(method, "/api/v1/echo"), 405, "method_not_allowed")

    def test_the_method_of_a_plain_view(self, client: Client) -> None:
        response = client.post("/page")
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "GET"

    def test_a_representation_that_we_do_not_have(self, client: Client) -> None:
        response = client.get("/api/v1/who", headers={"accept": "text/csv"})
        assert_problem(response, 406, "not_acceptable")

    def test_a_host_that_is_not_ours(self, client: Client) -> None:
        with override_settings(ALLOWED_HOSTS=["veza.example"]):
            response = client.get("/api/v1/who", headers={"host": "evil.example"})
        assert_problem(response, 400, "bad_request")

    def test_an_address_with_odd_characters_is_still_a_reference(self, client: Client) -> None:
        document = assert_problem(client.get("/api/v1/caf%C3%A9%20%22"), 404, "not_found")
        assert document["instance"] == "/api/v1/caf%C3%A9%20%22"


class TestInstance:
    @pytest.mark.parametrize(
        "secret", ["ada@example.org", "veza_pat_abcdef123456", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln"]
    )
    def test_repeats_no_secret_of_the_path(self, client: Client, secret: str) -> None:
        document = assert_problem(client.get(f"/api/v1/nowhere/{secret}/x"), 404, "not_found")

        assert document["instance"] == "/api/v1/nowhere/redacted/x"


class TestFieldErrors:
    def post(self, client: Client, data: Any) -> dict[str, str]:
        response = client.post("/api/v1/people", data, content_type="application/json")
        document = assert_problem(response, 400, "invalid")
        return {error["field"]: error["code"] for error in document["errors"]}

    def test_have_dotted_paths(self, client: Client) -> None:
        links = [{"title": "ok", "url": "https://veza.example"}, {"title": "x" * 11, "url": "nope"}]
        assert self.post(client, {"age": "old", "links": links}) == {
            "name": "required",
            "age": "invalid",
            "links.1.title": "max_length",
            "links.1.url": "invalid",
        }

    def test_name_the_whole_by_an_empty_path(self, client: Client) -> None:
        assert self.post(client, [1, 2]) == {"": "invalid"}

    def test_are_few_even_when_much_is_wrong(self, client: Client) -> None:
        assert len(self.post(client, {"name": "n", "links": [{}] * 500})) == 100

    def test_an_empty_body_lacks_the_fields(self, client: Client) -> None:
        response = client.generic("POST", "/api/v1/people", b"", content_type="application/json")
        assert assert_problem(response, 400, "invalid")["errors"][0]["field"] == "name"
