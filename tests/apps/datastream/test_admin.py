"""Operators see how rounds come along, and what to do."""

import pytest
from django.test import Client

from apps.auth.types import RoleName
from apps.datastream import admin
from apps.datastream.selectors.road import ProjectorStatus
from apps.events import selectors as events
from apps.events.types import CaptureStatus
from tests.factories.auth import make_user
from veza.integrations.projection import ProjectionUnavailableError

pytestmark = pytest.mark.django_db
PAGE = "/admin/datastream/captureview/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user(roles=frozenset({RoleName.OPERATOR})))
    return client


def capture(**changes: object) -> CaptureStatus:
    given = {
        "state": "up", "detail": "", "slot": "veza", "wal_status": "reserved", "active_pid": 77,
        "confirmed": "0/16B3748", "lag_bytes": 2048, "lag_s": 1.25, "safe_bytes": None,
    }  # fmt: skip
    return CaptureStatus(**(given | changes))  # type: ignore[arg-type]


def projector(lag_s: float = 0.0, epoch: str = "ab12") -> ProjectorStatus:
    return ProjectorStatus(
        epoch=epoch, head=1234, place="88-1", is_ready=True, lag_s=lag_s, waiting=5
    )


def shown(operator, monkeypatch, of_capture, of_projector) -> str:
    monkeypatch.setattr(events, "capture_status", lambda: of_capture)
    monkeypatch.setattr(admin, "projector_status", lambda now: of_projector)
    page: str = operator.get(PAGE).content.decode()
    return page


def test_it_tells_slot_lag_position_and_state(operator, monkeypatch):
    page = shown(operator, monkeypatch, capture(), projector())

    for word in ("veza (reserved)", "server process 77", "0/16B3748", "(2,048 bytes)", "1.2 s",
                 "no limit", "ab12", "1,234", "88-1", "the projection"):  # fmt: skip
        assert word in page
    assert page.count('data-state="up"') == 2


def test_it_tells_what_to_do(operator, monkeypatch):
    lost = capture(state="down", detail="The slot is lost; do this.", active_pid=None)
    page = shown(operator, monkeypatch, lost, projector(lag_s=31))

    assert "The slot is lost; do this." in page
    assert "nobody" in page
    assert "Start `manage.py projector`" in page
    assert 'data-state="behind"' in page


def test_what_cannot_be_asked_is_said(operator, monkeypatch):
    def fail(now):
        raise ProjectionUnavailableError

    monkeypatch.setattr(admin, "projector_status", fail)

    assert (
        "It cannot be asked: The store of rounds does not answer."
        in operator.get(PAGE).content.decode()
    )


def test_it_works_as_it_is(operator):
    assert operator.get(PAGE).status_code == 200


@pytest.mark.parametrize("role", [RoleName.LISTENER, RoleName.MODERATOR])
def test_others_do_not_see_it(client, role):
    client.force_login(make_user(roles=frozenset({role})))

    assert client.get(PAGE).status_code in (302, 403)
