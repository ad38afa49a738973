import re
from typing import Any

import pytest
from django.test import Client, override_settings

from tests.veza.kit.conftest import assert_problem
from veza.kit.api.requests import address_group, resolve_client

pytestmark = pytest.mark.django_db
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
WHO = "/api/v1/who"


class TestRequestIds:
    @pytest.mark.parametrize("value", ["a", "abc-123", "x" * 64, "with space!~"])
    def test_of_the_client_are_kept(self, client: Client, value: str) -> None:
        response = client.get(WHO, headers={"x-request-id": value})
        assert response["X-Request-ID"] == response.json()["request_id"] == value

    @pytest.mark.parametrize("value", [None, "", " ", "x" * 65, "é", "a\nb", "a\x00", "a\tb"])
    def test_that_are_none_are_replaced(self, client: Client, value: str | None) -> None:
        headers: dict[str, Any] = {} if value is None else {"HTTP_X_REQUEST_ID": value}
        response = client.get(WHO, **headers)
        assert response.status_code == 200
        assert UUID7.fullmatch(response["X-Request-ID"])
        assert response.json()["request_id"] == response["X-Request-ID"]

    @pytest.mark.parametrize(
        "path", ["/", "/nowhere", "/page", "/function/bug", "/admin/x", "/%00"]
    )
    def test_are_on_every_answer(self, client: Client, path: str) -> None:
        assert client.get(path, headers={"x-request-id": "me"})["X-Request-ID"] == "me"

    def test_are_in_the_lines_of_the_log(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        client.get("/api/v1/failing/bug", headers={"x-request-id": "the-one"})
        lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        assert lines
        assert {line["request_id"] for line in lines} == {"the-one"}


class TestClientAddress:
    def address(self, client: Client, **meta: Any) -> Any:
        return client.get(WHO, **meta).json()["address"]

    @pytest.mark.parametrize(
        "header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_CLIENT_IP"]
    )
    def test_is_not_what_a_stranger_claims(self, client: Client, header: str) -> None:
        assert self.address(client, **{header: "1.2.3.4"}) == "127.0.0.1"

    @override_settings(TRUSTED_PROXIES=["127.0.0.1", "10.0.0.0/8", "fd00::/8"])
    @pytest.mark.parametrize(
        ("claim", "address"),
        [
            ("1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 10.1.2.3", "1.2.3.4"),
            ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
            ("1.2.3.4:5678", "1.2.3.4"),
            ("[2001:db8::1]:80, fd00::2", "2001:db8::1"),
            ("evil, 10.1.2.3", "10.1.2.3"),
            ("", "127.0.0.1"),
            (",,,", "127.0.0.1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
        ],
    )
    def test_is_what_our_proxies_saw(self, client: Client, claim: str, address: str) -> None:
        assert self.address(client, HTTP_X_FORWARDED_FOR=claim) == address

    def test_is_believed_to_be_secure_by_proxies_word_only(self, client: Client) -> None:
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
            header: dict[str, Any] = {"HTTP_X_FORWARDED_PROTO": "https"}
            assert client.get(WHO, **header).json()["is_secure"] is False
            with override_settings(TRUSTED_PROXIES=["127.0.0.1"]):
                assert client.get(WHO, **header).json()["is_secure"] is True

    def test_of_a_network_is_one_bucket(self) -> None:
        assert (
            address_group("2001:db8:1:2:3::4")
            == address_group("2001:db8:1:2::")
            != "2001:db8:1:3::"
        )
        assert address_group("fe80::1%eth0") == "fe80::/64"
        assert address_group("192.0.2.1") == "192.0.2.1"
        assert address_group("") == "unknown"
        assert resolve_client(peer="", forwarded_for="1.2.3.4", proxies=["10.0.0.0/8"]) == ""


class TestRateLimit:
    def get(self, client: Client, path: str = WHO, address: str = "192.0.2.1", **extra: Any) -> Any:
        with override_settings(RATE_LIMIT_PER_MINUTE=3):
            return client.get(path, REMOTE_ADDR=address, **extra)

    def test_tells_where_one_stands_and_then_refuses(self, client: Client) -> None:
        answers = [self.get(client) for _ in range(4)]
        assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert {answer["X-RateLimit-Limit"] for answer in answers} == {"3"}
        assert_problem(answers[3], 429, "rate_limited")
        assert 19 <= int(answers[3]["Retry-After"]) <= 20
        assert int(answers[3]["X-RateLimit-Reset"]) > 1_700_000_000

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/nowhere",
            "/api/v1/failing/bug",
            "/api/v1/protected",
            "/api/v1/%00",
            "/api/v1/who/",
        ],
    )
    def test_stands_on_every_answer_of_the_api(self, client: Client, path: str) -> None:
        assert self.get(client, path, address="192.0.2.9")["X-RateLimit-Limit"] == "3"

    @pytest.mark.parametrize(
        "path",
        [
            "/page",
            "/api/schema",
            "/api/v1/internal/who",
            "/api/v1/tracks/1/stream/master.m3u8",
            "/api/v1/tracks/1/waveform/",
            "/api/v1/payments/stripe/webhook",
        ],
    )
    def test_does_not_count_what_the_contract_excepts(self, client: Client, path: str) -> None:
        answers = [self.get(client, path) for _ in range(5)]
        assert not any(answer.status_code == 429 for answer in answers)
        assert "X-RateLimit-Limit" not in answers[0]

    def test_is_one_for_each_network(self, client: Client) -> None:
        for number in range(3):
            self.get(client, address=f"2001:db8::{number}")
        assert self.get(client, address="2001:db8::9").status_code == 429
        assert self.get(client, address="2001:db8:0:1::").status_code == 200

    def test_does_not_count_preflights(self, client: Client) -> None:
        headers = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
        for _ in range(5):
            with override_settings(RATE_LIMIT_PER_MINUTE=3):
                response = client.options(WHO, headers=headers, REMOTE_ADDR="192.0.2.1")
            assert response.status_code == 200
        assert self.get(client)["X-RateLimit-Remaining"] == "2"

    def test_of_a_login_is_stricter_and_told(self, client: Client) -> None:
        answers = [client.post("/api/v1/login?account=me") for _ in range(4)]
        assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert_problem(answers[3], 429, "rate_limited")
        assert answers[3]["X-RateLimit-Limit"] == "3"
        assert 19 <= int(answers[3]["Retry-After"]) <= 20
        assert client.post("/api/v1/login?account=you").status_code == 204


class TestHeaders:
    @pytest.mark.parametrize("path", [WHO, "/api/v1/nowhere", "/nowhere", "/api/v1/failing/bug"])
    def test_of_json_allow_a_browser_nothing(self, client: Client, path: str) -> None:
        response = client.get(path)
        assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in response["Permissions-Policy"]
        assert "Server" not in response

    def test_of_pages_allow_their_own_only(self, client: Client) -> None:
        policy = client.get("/page")["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy

    def test_keep_answers_to_callers_out_of_caches(self, client: Client) -> None:
        response = client.get(WHO, headers={"authorization": "Bearer x"})
        assert response["Cache-Control"] == "no-store"
        assert "Authorization" in response["Vary"]
        assert client.post("/api/v1/people")["Cache-Control"] == "no-store"
        assert "no-store" not in client.get(WHO).get("Cache-Control", "")

    def test_ask_for_https_where_it_is_spoken(self, client: Client) -> None:
        with override_settings(SECURE_HSTS_SECONDS=31536000):
            assert "31536000" in client.get(WHO, secure=True)["Strict-Transport-Security"]


OURS = ["https://app.veza.example"]


class TestCors:
    @override_settings(CORS_ALLOWED_ORIGIN_REGEXES=[r"https://app\.veza\.example\Z"])
    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "https://evil.example",
            "https://app.veza.example.evil.example",
            "https://evilapp.veza.example",
            "https://appxveza.example",
            "http://app.veza.example",
            "https://sub.app.veza.example",
            "https://app.veza.example:444",
            "https://APP.veza.example",
            "https://app.veza.example.",
            "https://app.veza.example/",
            "https://app.veza.example/x",
            "https://user@app.veza.example",
            "http://[",
            "http://localhost:5173",
        ],
    )
    def test_refuses_every_other_origin(self, client: Client, origin: str) -> None:
        for call in (client.get, client.options):
            response = call(WHO, headers={"origin": origin, "access-control-request-method": "GET"})
            assert "Access-Control-Allow-Origin" not in response
            assert "origin" in response["Vary"].lower()

    @override_settings(CORS_ALLOWED_ORIGIN_REGEXES=[r"https://app\.veza\.example\Z"])
    @pytest.mark.parametrize("path", [WHO, "/api/v1/nowhere", "/api/v1/failing/bug", "/api/v1/%00"])
    def test_lets_ours_read_answers_and_their_headers(self, client: Client, path: str) -> None:
        response = client.get(path, headers={"origin": OURS[0]})
        assert response["Access-Control-Allow-Origin"] == OURS[0]
        assert "Access-Control-Allow-Credentials" not in response
        exposed = response["Access-Control-Expose-Headers"]
        for name in ("X-Request-ID", "X-RateLimit-Reset", "ETag", "Retry-After", "Link"):
            assert name in exposed

    @pytest.mark.parametrize(
        "origin", ["http://localhost:5173", "http://127.0.0.1", "http://[::1]:3000"]
    )
    def test_development_may_come_from_this_machine(self, client: Client, origin: str) -> None:
        headers = {
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,idempotency-key",
        }
        response = client.options(WHO, headers=headers)
        assert response["Access-Control-Allow-Origin"] == origin
        assert "idempotency-key" in response["Access-Control-Allow-Headers"]

    @pytest.mark.parametrize(
        "origin", ["http://localhost:5173.evil", "http://localhost.evil", "http://localhost:"]
    )
    def test_nobody_may_pretend_to(self, client: Client, origin: str) -> None:
        assert "Access-Control-Allow-Origin" not in client.get(WHO, headers={"origin": origin})
