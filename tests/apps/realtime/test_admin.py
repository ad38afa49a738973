"""Operators see what is open, and end it."""

import json
import time
from typing import Any

import pytest
from django.test import Client

from apps.auth.models import RolePermission
from apps.auth.types import RoleName
from apps.realtime import services
from tests.factories.auth import make_user
from veza.integrations.room_state import RoomStateUnavailableError, room_state

pytestmark = pytest.mark.django_db

PAGE = "/admin/realtime/liveconnection/"


def report(process: str, *connections: dict[str, Any], **rooms: int) -> None:
    """As a web process reports itself."""
    document = {
        "process": process, "role": "web", "host": "host-1", "pid": 7, "at": time.time(),
        "counts": {"websocket": len(connections)}, "rooms": rooms, "room_count": len(rooms),
        "deliveries": 12, "waiting": 3, "connections": list(connections),
    }  # fmt: skip
    room_state().put_values({f"processes:{process}": json.dumps(document).encode()}, ttl_s=8)


def connection(name: str, username: str, *rooms: str) -> dict[str, Any]:
    return {
        "name": name, "transport": "websocket", "since": time.time(), "user_id": f"id-{username}",
        "username": username, "session_id": f"session-{name}", "rooms": list(rooms),
    }  # fmt: skip


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user(roles=frozenset({RoleName.OPERATOR})))
    return client


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(services, "end_connection", names.append)
    return names


@pytest.fixture
def two_processes() -> None:
    report("one", connection("one-1", "ada", "metrics"), connection("one-2", "ada"), metrics=2)
    report("two", connection("two-1", "<b>bob</b>", "chat:tea"), metrics=1, **{"chat:tea": 5})


@pytest.mark.usefixtures("two_processes")
class TestPage:
    def test_shows_rooms_and_connections_over_all_processes(self, operator):
        page = operator.get(PAGE).content.decode()

        assert "3 open" in page
        assert "ada" in page
        assert "&lt;b&gt;bob" in page
        assert "<b>bob" not in page
        rooms = page[page.index('id="rooms"') : page.index('id="connections"')]
        assert rooms.index("chat:tea") < rooms.index(">metrics<")
        assert '<td class="pr-4">3</td><td>2</td>' in rooms

    @pytest.mark.parametrize(
        ("q", "found", "missing"),
        [
            ("ada", "one-1", "two-1"),
            ("chat:tea", "two-1", "one-1"),
            ("session-one-2", "one-2", "one-1"),
            ("nobody", "No such connection", "one-1"),
        ],
    )
    def test_is_searched(self, operator, q, found, missing):
        page = operator.get(PAGE, {"q": q}).content.decode()

        assert found in page
        assert missing not in page

    def test_ends_one_or_all_of_a_user(self, operator, ended):
        operator.post(PAGE, {"connection": "two-1"})
        operator.post(PAGE, {"user": "id-ada"})
        page = operator.post(PAGE, {"connection": "gone"}, follow=True).content.decode()

        assert sorted(ended) == ["one-1", "one-2", "two-1"]
        assert "gone already" in page

    def test_is_for_who_may(self, operator, ended):
        RolePermission.objects.filter(permission_id="realtime.manage").delete()

        assert operator.get(PAGE).status_code == 403
        assert operator.post(PAGE, {"user": "id-ada"}).status_code == 403
        assert ended == []


def test_has_nothing_to_add_or_change(operator):
    for path in ("add/", "1/change/", "1/delete/"):
        assert operator.get(f"{PAGE}{path}").status_code == 404


def test_says_that_nothing_is_open(operator):
    assert "No process has reported" in operator.get(PAGE).content.decode()


def test_says_that_the_store_is_away(operator, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise RoomStateUnavailableError

    monkeypatch.setattr(type(room_state()), "list_values", away)

    assert "Redis does not answer" in operator.get(PAGE).content.decode()
