"""The admin's front page tells how the platform does, to who may know."""

import json
import re
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.analytics.services.intake import take_events
from apps.analytics.types import Sender
from apps.auth.models import RolePermission
from apps.auth.types import RoleName
from tests.apps.analytics.players import hearing, make_track
from tests.factories.auth import make_user
from veza.admin.charts import columns, round_up
from veza.integrations.room_state import room_state

pytestmark = pytest.mark.django_db


def front_page(client: Client, role: RoleName) -> str:
    user = make_user(roles=frozenset({role}))
    client.force_login(user)
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return answer.content.decode()


def panel(page: str, name: str) -> str:
    found = re.search(rf'<article class="panel panel-{name}".*?</article>', page, re.DOTALL)
    assert found, name
    return " ".join(found.group().split())


def test_an_operator_sees_plays_people_uploads_connections_and_lag(client: Client) -> None:
    track = make_track()
    sender = Sender(user_id=None, country="ZZ", is_bot=False)
    now = timezone.now()
    for session in ("a", "b"):
        at = now - timedelta(days=2)
        take_events(
            hearing(track.id, seconds=30, at=at, session_id=session), sender=sender, now=now
        )
    document = {
        "process": "p", "host": "h", "pid": 1, "at": time.time(), "counts": {"websocket": 3},
        "rooms": {}, "room_count": 0, "deliveries": 0, "waiting": 0, "connections": [],
    }  # fmt: skip
    room_state().put_values({"processes:p": json.dumps(document).encode()}, ttl_s=8)
    page = front_page(client, RoleName.OPERATOR)
    assert "<strong>2</strong>" in panel(page, "plays")
    assert f"<title>{now - timedelta(days=2):%-d %b}: 2</title>" in panel(page, "plays")
    assert panel(page, "people").count("<rect") == 28
    assert "websocket" in panel(page, "connections")
    assert "ready" in panel(page, "uploads")
    assert "relay" in panel(page, "lag")


def test_nobody_sees_there_what_he_may_not_see_elsewhere(client: Client) -> None:
    hidden = ("analytics.platform", "events.read")
    RolePermission.objects.filter(permission_id__in=hidden).delete()
    page = front_page(client, RoleName.OPERATOR)
    assert "panel-people" in page
    assert "panel-plays" not in page
    assert "panel-lag" not in page


def test_bars_are_as_high_as_their_counts() -> None:
    found = columns({"1": 0, "2": 5, "3": 10})
    assert [bar.height for bar in found.bars] == [0, 60.0, 120.0]
    assert [round_up(count) for count in (0, 5, 6, 11, 21, 51, 7001)] == [
        5, 5, 10, 20, 50, 100, 10_000,
    ]  # fmt: skip
