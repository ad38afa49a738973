"""`/api/v1/instruments`: the last prices as REST gives them."""

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from veza.integrations.room_state import room_state
from veza.integrations.room_state.memory import MemoryRoomState


def keep(instrument: str, price: float, ts: int, *, ttl_s: float = 60) -> None:
    body = f'{{"instrument":"{instrument}","price":{price},"ts":{ts}}}'
    room_state().put_values({f"last_price:{instrument}": body.encode()}, ttl_s=ttl_s)


@pytest.fixture(autouse=True)
def _own_store():
    """The prices of this test alone."""
    with override_settings(ROOM_STATE_BACKEND=f"{__name__}.OwnState"):
        yield


class OwnState(MemoryRoomState):
    """One for each test, by being named in its settings."""


class TestInstruments:
    def test_are_listed_with_their_prices_by_name(self, api_client: APIClient) -> None:
        keep("ETH_USDT", 3000.5, 2)
        keep("BTC_USDT", 60214.3, 1710000000)
        answer = api_client.get("/api/v1/instruments")
        assert answer.status_code == 200
        assert answer.json() == [
            {"instrument": "BTC_USDT", "price": 60214.3, "ts": 1710000000},
            {"instrument": "ETH_USDT", "price": 3000.5, "ts": 2},
        ]

    def test_are_none_where_nobody_sends(self, api_client: APIClient) -> None:
        assert api_client.get("/api/v1/instruments/").json() == []


class TestPrice:
    @pytest.mark.parametrize("name", ["BTC_USDT", "BTC/USDT", "a.b-c", "price", "x/price", "%2e"])
    def test_is_the_last_one(self, api_client: APIClient, name: str) -> None:
        keep(name.replace("%2e", "."), 7, 1)
        answer = api_client.get(f"/api/v1/instruments/{name}/price")
        assert answer.status_code == 200
        assert answer.json() == {"instrument": name.replace("%2e", "."), "price": 7, "ts": 1}

    @pytest.mark.parametrize("name", ["NOBODY", "x" * 65, "%20", "é", "..%2f"])
    def test_that_nobody_told_is_not_found(self, api_client: APIClient, name: str) -> None:
        answer = api_client.get(f"/api/v1/instruments/{name}/price")
        assert answer.status_code == 404
        document = answer.json()
        assert (document["code"], document["error"]) == ("price_not_found", "price not found")

    def test_that_the_client_has_is_not_sent_again(self, api_client: APIClient) -> None:
        path = "/api/v1/instruments/BTC_USDT/price"
        keep("BTC_USDT", 7, 1)
        etag = api_client.get(path)["ETag"]
        same = api_client.get(path, headers={"If-None-Match": etag})
        keep("BTC_USDT", 8, 2)
        other = api_client.get(path, headers={"If-None-Match": etag})
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
        assert (other.status_code, other.json()["price"]) == (200, 8)

    def test_ends(self, api_client: APIClient) -> None:
        keep("OLD", 1, 1, ttl_s=0)
        assert api_client.get("/api/v1/instruments/OLD/price").status_code == 404
        assert api_client.get("/api/v1/instruments").json() == []


@override_settings(
    REDIS_URL="redis://127.0.0.1:1/0",
    ROOM_STATE_BACKEND="veza.integrations.room_state.redis.RedisRoomState",
)
@pytest.mark.parametrize("path", ["/api/v1/instruments", "/api/v1/instruments/X/price"])
def test_without_the_store_it_is_said_so(api_client: APIClient, path: str) -> None:
    answer = api_client.get(path)
    assert answer.status_code == 503
    assert answer.json()["code"] == "room_state_unavailable"
