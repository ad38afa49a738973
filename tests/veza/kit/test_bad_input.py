"""Whatever a client sends: a problem document, quickly, and never a 500."""

import json
import time

import pytest
from django.test import Client

from tests.veza.kit.conftest import assert_problem

pytestmark = pytest.mark.django_db
JSON = "application/json"
MIB = 1024 * 1024


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            b"[" * 500_000,
            b'{"a": 1, "a": 2}',
            b'{"a": {"b": 1, "b": 1}}',
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": -Infinity}',
            b'{"a": 1e400}',
            b'{"a": -1e400}',
            b'{"a": ' + b"9" * 21 + b"}",
            b'{"a": ' + b"9" * 500_000 + b"}",
            b'{"a": "\\u0000"}',
            b'{"\\u0000": 1}',
            b'{"a": "\\ud800"}',
            b'{"a": "\\udc00\\ud800"}',
            b'{"a": "\xff"}',
            b'{"a": "\xed\xa0\x80"}',
            b'{"a": "\x00"}',
            b"\x00",
            b"{",
            b'{"a"',
            b'"',
            b'"' + b'\\"' * 400_000,
            b'"\\',
            b"{'a': 1}",
            b'{"a": 1,}',
            b'{"a": 1} x',
            b'{"a": 01}',
            b'{"a": .5}',
            b"nul",
            json.dumps({"a": 1}).encode("utf-16"),
            json.dumps({"a": 1}).encode("utf-32"),
            b"\x1f\x8b\x08\x00",
            b" " * 100,
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_that_are_not_strict_json(self, client: Client, body: bytes) -> None:
        begun = time.thread_time()  # how busy the machine is does not count
        response = client.generic("POST", "/api/v1/echo", body, content_type=JSON)
        assert_problem(response, 400, "json_invalid")
        assert time.thread_time() - begun < 2

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b"[" * 64 + b"]" * 64, None),
            (b"\xef\xbb\xbf{}", {}),
            (b'{"a": "\\ud83d\\ude00 \\\\u0000"}', {"a": "\U0001f600 \\u0000"}),
            (b"-0", 0),
            (b"[1e5, 9223372036854775807]", [1e5, 9223372036854775807]),
            (('"' + "[" * 1000 + '"').encode(), "[" * 1000),
            (b"null", None),
            (b'"x"', "x"),
        ],
    )
    def test_that_are(self, client: Client, body: bytes, value: object) -> None:
        response = client.generic("POST", "/api/v1/echo", body, content_type=JSON)
        assert response.status_code == 200
        if value is not None:
            assert response.json() == value

    @pytest.mark.parametrize("size", [MIB + 1, 10 * MIB])
    def test_that_are_too_large(self, client: Client, size: int) -> None:
        body = b'"' + b"a" * (size - 2) + b'"'
        response = client.generic("POST", "/api/v1/echo", body, content_type=JSON)
        assert_problem(response, 413, "body_too_large")

    def test_that_are_just_small_enough(self, client: Client) -> None:
        body = b'"' + b"a" * (MIB - 2) + b'"'
        assert client.generic("POST", "/api/v1/echo", body, content_type=JSON).status_code == 200

    @pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999999999999999", ""])
    def test_whose_length_is_a_lie(self, client: Client, length: str) -> None:
        response = client.generic(
            "POST", "/api/v1/people", b"{}", content_type=JSON, CONTENT_LENGTH=length
        )
        assert 400 <= response.status_code < 500
        assert response["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/json; charset=latin-1",
            "application/json; charset=utf-16",
            "application/jsonp",
            "application",
            "/",
            ";",
            "",
        ],
    )
    def test_of_another_media_type(self, client: Client, content_type: str) -> None:
        response = client.generic(
            "POST", "/api/v1/people", b'{"name": "n"}', content_type=content_type
        )
        assert_problem(response, 415, "unsupported_media_type")
        assert response["Accept"] == "application/json"
        assert response.json()["detail"].endswith("Use application/json.")

    @pytest.mark.parametrize(
        "content_type",
        ["application/json; charset=UTF-8", "Application/JSON", 'application/json;charset="utf-8"'],
    )
    def test_of_ours_in_another_spelling(self, client: Client, content_type: str) -> None:
        response = client.generic(
            "POST", "/api/v1/people", b'{"name": "n"}', content_type=content_type
        )
        assert response.status_code == 201


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "/api/v1/who%00",
            "/api/v1/%00/who",
            "/api/v1/%ff%fe",
            "/api/v1/%c0%af",
            "/api/v1/%ed%a0%80",
            "/api/v1/a%0d%0ab",
            "/api/v1/who?a=%00",
            "/api/v1/who?%00=1",
            "/api/v1/who?a=%ff",
            "/api/v1/who?a=%c0%af",
            "/page?x=%ed%a0%80",
        ],
    )
    def test_that_no_text_can_hold(self, client: Client, address: str) -> None:
        path, _, query = address.partition("?")
        assert_problem(client.get(path, QUERY_STRING=query), 400, "bad_request")

    def test_with_a_slash_too_many(self, client: Client) -> None:
        assert client.get("/api/v1/who/").status_code == 200
        response = client.post("/api/v1/people/", {"name": "n"}, content_type=JSON)
        assert response.status_code == 201

    def test_with_more_parameters_than_anyone_needs(self, client: Client) -> None:
        query = "&".join(f"a{number}=1" for number in range(2000))
        assert_problem(client.get("/api/v1/tasks", QUERY_STRING=query), 400, "bad_request")

    def test_that_are_very_long(self, client: Client) -> None:
        assert_problem(client.get("/api/v1/" + "a" * 60_000), 404, "not_found")


class TestHeaders:
    @pytest.mark.parametrize("value", ["a\x00b", "a\x01b", "a\x7fb", "a\r\nX-Evil: 1"])
    def test_with_control_characters(self, client: Client, value: str) -> None:
        assert_problem(client.get("/api/v1/who", HTTP_X_THING=value), 400, "bad_request")
        assert_problem(client.get("/api/v1/who", HTTP_ORIGIN=value), 400, "bad_request")

    def test_that_are_huge(self, client: Client) -> None:
        response = client.get("/api/v1/who", HTTP_X_THING="x" * 40_000)
        assert_problem(response, 431, "headers_too_large")

    @pytest.mark.parametrize(
        "value", ["", ";", ";;;q=zz/", "*", "a/b;q=", "application/json;q=-1", "é/*", "/" * 5000]
    )
    def test_accept_that_nobody_understands(self, client: Client, value: str) -> None:
        assert client.get("/api/v1/who", HTTP_ACCEPT=value).status_code in (200, 406)

    @pytest.mark.parametrize(
        "value",
        ["Bearer", "Bearer ", "Bearer a b", "Bearer \xff", "Basic x", "x" * 9000, "Bearer ..", ""],
    )
    def test_authorization_that_nobody_understands(self, client: Client, value: str) -> None:
        response = client.get("/api/v1/protected", HTTP_AUTHORIZATION=value)
        assert response.status_code == 401
        assert response["Content-Type"] == "application/problem+json"


class TestListParameters:
    @pytest.mark.parametrize(
        "limit", ["0", "101", "-1", "x", "", "1.5", "1e2", "9" * 5000, "\u0661", " 5", "0x10"]
    )
    def test_limit(self, client: Client, limit: str) -> None:
        response = client.get("/api/v1/tasks", {"limit": limit})
        assert assert_problem(response, 400, "invalid")["errors"][0]["field"] == "limit"

    @pytest.mark.parametrize(
        "ordering", ["", "-", "password", "--name", "name,changed", "pk", "task__x", "name; DROP"]
    )
    def test_ordering(self, client: Client, ordering: str) -> None:
        response = client.get("/api/v1/tasks", {"ordering": ordering})
        assert assert_problem(response, 400, "invalid")["errors"][0]["field"] == "ordering"

    @pytest.mark.parametrize("name", ["limit", "ordering", "cursor"])
    def test_given_twice(self, client: Client, name: str) -> None:
        response = client.get("/api/v1/tasks", {name: ["1", "2"]})
        assert assert_problem(response, 400, "invalid")["errors"][0]["field"] == name

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "x",
            "====",
            "a" * 10_000,
            "é",
            "bnVsbA",
            "eyJhIjoxfQ==",
            "../../etc/passwd",
            "' OR 1=1",
            "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
            "-_-_" * 20,
        ],
    )
    def test_cursor(self, client: Client, cursor: str) -> None:
        assert_problem(client.get("/api/v1/tasks", {"cursor": cursor}), 400, "cursor_invalid")
