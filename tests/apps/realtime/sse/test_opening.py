"""What is settled before a stream opens: rooms, tokens, limits, and the head of the answer."""

from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest

from tests.apps.realtime.live import Account, Live, Web
from tests.apps.realtime.sse.stream import CONNECTED, Stream

ORIGIN = "http://localhost:3000"
ROOMS_128 = ",".join(["public", "metrics"] * 100)


def test_the_head_is_that_of_an_event_stream(web: Web) -> None:
    with Stream(web.port, headers={"X-Request-ID": "mine-1"}) as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["Cache-Control"] == "no-cache"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["X-Content-Type-Options"] == "nosniff"
        assert stream.headers["X-Request-ID"] == "mine-1"
        assert stream.headers["Transfer-Encoding"] == "chunked"
        assert "Access-Control-Allow-Origin" not in stream.headers


def test_a_request_without_an_id_is_given_one(web: Web) -> None:
    with Stream(web.port) as stream:
        assert UUID(stream.headers["X-Request-ID"]).version == 7


@pytest.mark.parametrize(
    "path",
    ["/api/v1/events/watch", "/api/v1/events/watch/", "/events/watch", "/events/watch/"],
)
def test_it_stands_at_two_addresses(web: Web, path: str) -> None:
    with Stream(web.port, path) as stream:
        assert stream.status == 200
        assert stream.next() == CONNECTED


@pytest.mark.parametrize("path", ["/api/v1/events/watch", "/events/watch"])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_only_get_opens_it(web: Web, path: str, method: str) -> None:
    answer = web.call(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, OPTIONS"
    assert answer.headers["Content-Type"] == "application/problem+json"
    if method != "HEAD":
        assert answer.json()["code"] == "method_not_allowed"


class TestRooms:
    @pytest.mark.parametrize(
        "rooms",
        ["public,metrics", " public , metrics", "metrics", "metrics,metrics", "", ",", ",metrics,"],
    )
    def test_public_ones_are_for_everyone(self, live: Live, web: Web, rooms: str) -> None:
        with Stream(web.port, rooms=rooms) as stream:
            assert stream.next() == CONNECTED
            ids = live.commit([{"value": 1}])
            assert stream.facts(1) == ids

    def test_without_any_it_is_public_and_metrics(self, live: Live, web: Web) -> None:
        with Stream(web.port) as stream:
            assert stream.next() == CONNECTED
            ids = live.commit([{}], rooms=["metrics"]) + live.commit([{}], rooms=["public"])
            assert stream.facts(2) == ids

    def test_only_those_that_were_asked_for_are_heard(self, live: Live, web: Web) -> None:
        with Stream(web.port, rooms="public") as stream:
            assert stream.next() == CONNECTED
            live.commit([{}], rooms=["metrics"])
            wanted = live.commit([{}], rooms=["public"])
            assert stream.facts(1) == wanted

    def test_a_fact_in_several_of_them_comes_once(self, live: Live, web: Web) -> None:
        with Stream(web.port, rooms="public,metrics") as stream:
            assert stream.next() == CONNECTED
            ids = live.commit([{}, {}], rooms=["metrics", "public"]) + live.commit([{}])
            assert stream.facts(3) == ids

    def test_they_may_be_named_one_by_one(self, live: Live, web: Web) -> None:
        with Stream(web.port, "/events/watch?rooms=public&rooms=metrics") as stream:
            assert stream.next() == CONNECTED
            ids = live.commit([{}], rooms=["metrics"])
            assert stream.facts(1) == ids

    @pytest.mark.parametrize(
        "room",
        ["nosuch", "nosuch:1", "user:", "metrics:1", "Metrics", "x" * 300, "a b", "\x00", "*"],
    )
    def test_an_unknown_one_is_404_before_the_stream_opens(self, web: Web, room: str) -> None:
        with Stream(web.port, rooms=f"metrics,{room}") as stream:
            assert stream.status == 404
            assert stream.headers["Content-Type"] == "application/problem+json"
            problem = stream.problem
        assert problem["code"] == "room_not_found"
        assert problem["success"] is False
        assert problem["instance"] == "/api/v1/events/watch"

    def test_that_of_a_user_is_his_alone(self, web: Web, account: Account) -> None:
        other = web.register()
        with Stream(web.port, rooms=f"user:{account.id}", headers=account.headers) as stream:
            assert stream.next() == CONNECTED
        answers = []
        for headers in ({}, other.headers):
            with Stream(web.port, rooms=f"user:{account.id}", headers=headers) as stream:
                answers.append((stream.status, stream.problem["detail"]))
        with Stream(web.port, rooms=f"user:{uuid4()}", headers=other.headers) as stream:
            answers.append((stream.status, stream.problem["detail"]))
        assert answers == [(404, "There is no such room.")] * 3

    def test_the_same_one_often_counts_once(self, web: Web) -> None:
        with Stream(web.port, rooms=ROOMS_128) as stream:
            assert stream.next() == CONNECTED

    def test_more_than_128_are_400(self, web: Web) -> None:
        with Stream(web.port, rooms=",".join(f"room{n}" for n in range(129))) as stream:
            assert stream.status == 400
            assert stream.problem["code"] == "too_many_rooms"

    def test_128_are_looked_at(self, web: Web) -> None:
        with Stream(web.port, rooms=",".join(f"room{n}" for n in range(128))) as stream:
            assert stream.status == 404


class TestTokens:
    @pytest.mark.parametrize("token", ["x", "x.y.z", "a b", "x" * 5000])
    def test_a_wrong_one_is_401(self, web: Web, token: str) -> None:
        with Stream(web.port, headers={"Authorization": f"Bearer {token}"}) as stream:
            assert stream.status == 401
            assert stream.headers["WWW-Authenticate"].startswith("Bearer")
            assert stream.problem["code"] == "token_invalid"

    @pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer", "Bearer a, Bearer b"])
    def test_a_header_without_one_is_401_as_everywhere(self, web: Web, header: str) -> None:
        for path in ("/events/watch", "/api/v1/events"):
            with Stream(web.port, path, headers={"Authorization": header}) as stream:
                assert stream.status == 401
                assert stream.problem["code"] == "token_invalid"

    def test_two_headers_are_401(self, web: Web, account: Account) -> None:
        headers = [("Authorization", f"Bearer {account.access}")] * 2
        answer = httpx.get(f"{web.base_url}/events/watch", headers=headers)
        assert answer.status_code == 401

    def test_one_of_a_session_that_has_ended_is_401(self, web: Web) -> None:
        gone = web.register()
        web.log_out(gone)
        with Stream(web.port, headers=gone.headers) as stream:
            assert stream.status == 401
            assert stream.problem["code"] == "token_invalid"

    def test_a_refresh_token_is_none(self, web: Web, account: Account) -> None:
        with Stream(web.port, headers={"Authorization": f"Bearer {account.refresh}"}) as stream:
            assert stream.status == 401

    @pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
    def test_one_in_the_address_is_not_looked_at(
        self, web: Web, account: Account, name: str
    ) -> None:
        query = urlencode({"rooms": f"user:{account.id}", name: account.access})
        with Stream(web.port, f"/events/watch?{query}") as stream:
            assert stream.status == 404

    def test_another_scheme_is_an_anonymous_call(self, web: Web) -> None:
        with Stream(web.port, headers={"Authorization": "Basic eDp5"}) as stream:
            assert stream.next() == CONNECTED


class TestOrigins:
    def test_an_allowed_one_may_read(self, web: Web) -> None:
        with Stream(web.port, headers={"Origin": ORIGIN}) as stream:
            assert stream.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "X-Request-ID" in stream.headers["Access-Control-Expose-Headers"]
            assert "Origin" in stream.headers["Vary"]

    def test_an_allowed_one_may_read_what_was_wrong(self, web: Web) -> None:
        with Stream(web.port, rooms="nosuch", headers={"Origin": ORIGIN}) as stream:
            assert stream.headers["Access-Control-Allow-Origin"] == ORIGIN

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://localhost.evil.example", f"{ORIGIN}/x"]
    )
    def test_another_one_may_not(self, web: Web, origin: str) -> None:
        with Stream(web.port, headers={"Origin": origin}) as stream:
            assert "Access-Control-Allow-Origin" not in stream.headers

    def test_a_browser_may_ask_before(self, web: Web) -> None:
        answer = web.call(
            "OPTIONS", "/api/v1/events/watch",
            headers={
                "Origin": ORIGIN,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "authorization,last-event-id",
            },
        )  # fmt: skip
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        allowed = answer.headers["Access-Control-Allow-Headers"]
        assert {"authorization", "last-event-id"} <= set(allowed.split(", "))


class TestQuery:
    @pytest.mark.parametrize("value", ["2", "yes", "on", "x"])
    def test_a_flag_that_is_none_is_named(self, web: Web, value: str) -> None:
        with Stream(web.port, envelope=value) as stream:
            assert stream.status == 400
            assert [error["field"] for error in stream.problem["errors"]] == ["envelope"]

    def test_what_is_not_known_is_not_looked_at(self, web: Web) -> None:
        with Stream(web.port, colour="blue") as stream:
            assert stream.next() == CONNECTED

    @pytest.mark.parametrize(
        "query", ["%", "rooms", "&&&", "=", "rooms=%ff", "%00=%00", "a=1&" * 2000]
    )
    def test_garbage_is_refused_or_not_looked_at(self, web: Web, query: str) -> None:
        with Stream(web.port, f"/events/watch?{query}") as stream:
            assert stream.status in (200, 400, 404)


class TestRateLimit:
    def test_opening_counts_one_of_the_same_bucket_as_the_api(self, live: Live) -> None:
        with live.another_web(RATE_LIMIT_PER_MINUTE=4) as web:
            caller = web.register()
            left = []
            for _ in range(2):
                with Stream(web.port, headers=caller.headers) as stream:
                    assert stream.headers["X-RateLimit-Limit"] == "4"
                    left.append(int(stream.headers["X-RateLimit-Remaining"]))
                    assert stream.next() == CONNECTED
            answer = web.call("GET", "/api/v1/users/me", headers=caller.headers)
            left.append(int(answer.headers["X-RateLimit-Remaining"]))
        assert left == [3, 2, 1]

    def test_who_has_none_left_is_told_when_to_come_back(self, live: Live) -> None:
        with live.another_web(RATE_LIMIT_PER_MINUTE=2) as web:
            caller = web.register()
            for _ in range(2):
                Stream(web.port, headers=caller.headers).close()
            with Stream(web.port, headers=caller.headers) as stream:
                assert stream.status == 429
                assert stream.problem["code"] == "rate_limited"
                assert 0 < int(stream.headers["Retry-After"]) <= 30
                assert stream.headers["X-RateLimit-Remaining"] == "0"
