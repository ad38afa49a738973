"""Where someone is signed in, and signing out there."""

import copy
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.auth.events import SessionRevoked
from apps.auth.models import AuditEntry, Session
from apps.auth.selectors import identities
from apps.auth.selectors.devices import device_of
from apps.auth.types import AuditAction, RevokedReason
from tests.factories.auth import LAPTOP, PHONE, client_of, make_user, sign_in
from tests.support import published
from veza.integrations import places
from veza.kit.context import Client

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/auth/sessions"
ME = "/api/v1/users/me"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def phone(user) -> APIClient:
    return client_of(user, client=PHONE)


@pytest.fixture
def laptop(user) -> APIClient:
    return client_of(user, client=LAPTOP)


def listed(client: APIClient) -> list[dict[str, Any]]:
    answer = client.get(SESSIONS)
    assert answer.status_code == 200
    assert answer.json().keys() == {"results", "next", "previous"}
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def id_of(client: APIClient) -> str:
    return next(str(session["id"]) for session in listed(client) if session["current"])


class TestList:
    def test_tells_where_and_which_is_this_one(self, user, phone, laptop):
        found = {session["ip"]: session for session in listed(phone)}

        assert found.keys() == {PHONE.address, LAPTOP.address}
        mine = found[PHONE.address]
        assert mine.keys() == {
            "id", "ip", "user_agent", "device", "place", "created_at", "last_used_at", "current",
        }  # fmt: skip
        assert mine["user_agent"] == PHONE.user_agent
        assert (mine["current"], found[LAPTOP.address]["current"]) == (True, False)

    def test_leaves_out_others_and_those_that_have_ended(self, user, phone, laptop):
        client_of(make_user())
        over = sign_in(user)
        Session.objects.filter(pk=id_of(laptop)).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        )
        laptop_gone = listed(phone)
        assert len(laptop_gone) == 2
        assert over.user == user

    def test_pages(self, user, phone, laptop):
        first = phone.get(SESSIONS, {"limit": 1}).json()
        second = phone.get(first["next"]).json()
        assert second["next"] is None
        assert {each["id"] for each in first["results"] + second["results"]} == {
            id_of(phone),
            id_of(laptop),
        }

    def test_is_for_who_is_signed_in(self, api_client):
        for method in (api_client.get, api_client.delete):
            assert method(SESSIONS).status_code == 401


class TestEnd:
    def test_of_one_ends_it_and_no_other(self, user, phone, laptop):
        there = id_of(laptop)
        assert phone.delete(f"{SESSIONS}/{there}").status_code == 204

        assert laptop.get(ME).json()["code"] == "token_invalid"
        assert phone.get(ME).status_code == 200
        assert [fact["reason"] for fact in published(SessionRevoked)] == [RevokedReason.BY_OWNER]
        assert AuditEntry.objects.get(action=AuditAction.SESSION_REVOKED).details == {
            "session_id": there,
            "reason": "by_owner",
        }
        assert phone.delete(f"{SESSIONS}/{there}").json()["code"] == "session_not_found"

    def test_of_a_foreign_one_is_as_if_there_were_none(self, phone):
        stranger = client_of(make_user())
        answer = phone.delete(f"{SESSIONS}/{id_of(stranger)}")
        absent = phone.delete(f"{SESSIONS}/01890000-0000-7000-8000-000000000000")

        assert answer.status_code == absent.status_code == 404
        assert answer.json()["code"] == absent.json()["code"] == "session_not_found"
        assert stranger.get(ME).status_code == 200

    def test_of_all_others_keeps_this_one(self, user, phone, laptop):
        third = client_of(user)
        assert phone.delete(SESSIONS).status_code == 204

        assert [client.get(ME).status_code for client in (phone, laptop, third)] == [200, 401, 401]
        assert phone.delete(SESSIONS).status_code == 204
        assert len(listed(phone)) == 1


class TestRemembered:
    """In a process, for a few seconds (the fixture of all other tests turns it off)."""

    @pytest.fixture(autouse=True)
    def _remembers(self, monkeypatch):
        monkeypatch.setattr(identities, "REMEMBERED_S", 4.0)
        identities.forget_all()
        yield
        identities.forget_all()

    def test_a_second_call_costs_no_statement(self, phone, django_assert_num_queries):
        phone.get(SESSIONS)
        with django_assert_num_queries(1):
            phone.get(SESSIONS)

    @pytest.mark.django_db(transaction=True)
    def test_what_is_revoked_here_is_forgotten_here(self, user, phone, laptop):
        for client in (phone, laptop):
            assert client.get(ME).status_code == 200
        phone.delete(SESSIONS)
        assert laptop.get(ME).status_code == 401

    def test_what_is_revoked_elsewhere_is_believed_for_seconds(self, user, phone, monkeypatch):
        clock = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: clock)
        assert phone.get(SESSIONS).status_code == 200
        Session.objects.update(revoked_at=timezone.now(), revoked_reason=RevokedReason.LOGOUT)

        clock += 3.9
        assert phone.get(SESSIONS).status_code == 200
        clock += 0.2
        assert phone.get(SESSIONS).status_code == 401

    def test_one_request_does_not_change_what_the_next_sees(self, phone):
        phone.get(SESSIONS)
        [known] = identities._known.values()
        claims_user = copy.copy(known.session.user)
        claims_user.username = "changed"
        assert known.session.user.username != "changed"

    def test_there_is_a_bound(self, user, monkeypatch):
        monkeypatch.setattr(identities, "MAX_REMEMBERED", 3)
        for _ in range(5):
            client_of(user).get(SESSIONS)
        assert len(identities._known) == 3


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari on iPhone",
        ),
        ("curl/8.1", "curl"),
        ("\x00\ud800", None),
        ("x" * 100_000, None),
        ("", None),
    ],
)
def test_devices(user_agent, device):
    assert device_of(user_agent) == device


class TestPlaces:
    def test_without_a_database_there_is_none(self):
        assert places.place_of("192.0.2.10") is None

    def test_a_file_that_is_none_is_told_and_harms_nobody(self, settings, tmp_path: Path):
        settings.GEOIP_DATABASE = str(tmp_path / "none.mmdb")
        assert places.place_of("192.0.2.10") is None
        (tmp_path / "broken.mmdb").write_bytes(b"no database")
        settings.GEOIP_DATABASE = str(tmp_path / "broken.mmdb")
        assert places.place_of("192.0.2.10") is None

    def test_a_place_is_told(self, settings, user, monkeypatch):
        class Database:
            def get(self, address):
                return {
                    "192.0.2.10": {
                        "city": {"names": {"en": "Lyon"}},
                        "country": {"names": {"en": "France"}},
                    }
                }.get(address)

        settings.GEOIP_DATABASE = "cities.mmdb"
        monkeypatch.setattr(places, "_open", lambda path: Database())
        at_home = client_of(user, client=PHONE)
        client_of(user, client=Client(user_agent=FIREFOX, address="2001:db8::1"))

        assert {session["place"] for session in listed(at_home)} == {"Lyon, France", None}
