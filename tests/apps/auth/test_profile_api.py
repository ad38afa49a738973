"""One's own profile over HTTP."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.auth.models import User
from apps.auth.types import RoleName
from tests.factories.auth import client_of, make_user

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"


def faulty_fields(response: Any) -> set[str]:
    assert response.status_code == 400, response.content
    return {fault["field"] for fault in response.json()["errors"]}


class TestOwnUser:
    def test_is_read_again_only_when_it_has_changed(self):
        client = client_of(make_user())
        first = client.get(ME)

        same = client.get(ME, headers={"If-None-Match": first["ETag"]})
        client.patch(ME, {"bio": "new"}, format="json")
        changed = client.get(ME, headers={"If-None-Match": first["ETag"]})

        assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
        assert changed.status_code == 200
        assert changed["ETag"] != first["ETag"]

    def test_changes_in_every_field_of_the_profile(self):
        client = client_of(make_user())
        profile = {
            "display_name": "Ada 🎧",
            "bio": "two\nlines",
            "avatar_url": "https://cdn.example.org/a.png",
            "banner_url": "http://cdn.example.org/b.png",
            "location": "Göteborg",
            "links": [{"title": "Tapes", "url": "https://example.org/tapes?x=1#y"}],
        }

        response = client.patch(ME, profile, format="json")

        assert response.status_code == 200
        assert {name: response.json()[name] for name in profile} == profile
        assert response.json() == client.get(ME).json()
        assert response["ETag"] == client.get(ME)["ETag"]

    @pytest.mark.parametrize("empty", [None, ""])
    def test_forgets_a_picture(self, empty):
        client = client_of(make_user(avatar_url="https://example.org/a.png"))

        assert client.patch(ME, {"avatar_url": empty}, format="json").json()["avatar_url"] is None

    def test_changes_only_the_version_that_was_read(self):
        client = client_of(make_user())
        etag = client.get(ME)["ETag"]

        first = client.patch(ME, {"bio": "1"}, format="json", headers={"If-Match": etag})
        second = client.patch(ME, {"bio": "2"}, format="json", headers={"If-Match": etag})
        third = client.patch(ME, {"bio": "3"}, format="json", headers={"If-Match": first["ETag"]})

        assert [r.status_code for r in (first, second, third)] == [200, 412, 200]
        assert second.json()["code"] == "precondition_failed"
        assert third.json()["bio"] == "3"

    def test_has_no_way_to_more_power_or_another_name(self):
        user = make_user()
        client = client_of(user)
        before = User.objects.values().get(pk=user.pk)

        response = client.patch(
            ME,
            {
                "id": "00000000-0000-7000-8000-000000000000",
                "username": "root",
                "email": "root@example.org",
                "email_verified": True,
                "email_verified_at": "2026-01-01T00:00:00Z",
                "roles": ["admin"],
                "user_roles": ["admin"],
                "is_staff": True,
                "is_superuser": True,
                "is_active": False,
                "password": "another password",
                "token_version": 7,
                "two_factor": True,
                "created_at": "2020-01-01T00:00:00Z",
                "groups": [1],
            },
            format="json",
        )

        assert response.status_code == 200
        assert User.objects.values().get(pk=user.pk) == before
        assert response.json()["roles"] == ["listener", "creator"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"display_name": "x" * 101}, "display_name"),
            ({"display_name": "two\nlines"}, "display_name"),
            ({"display_name": "\u202egnp.exe"}, "display_name"),
            ({"display_name": None}, "display_name"),
            ({"display_name": 1}, "display_name"),
            ({"bio": "x" * 2001}, "bio"),
            ({"bio": []}, "bio"),
            ({"location": "x" * 101}, "location"),
            ({"avatar_url": "javascript:alert(1)"}, "avatar_url"),
            ({"avatar_url": "data:text/html,x"}, "avatar_url"),
            ({"avatar_url": "ftp://example.org/a"}, "avatar_url"),
            ({"avatar_url": "//example.org/a"}, "avatar_url"),
            ({"avatar_url": "https://" + "x" * 500 + ".org"}, "avatar_url"),
            ({"avatar_url": "https://exa mple.org"}, "avatar_url"),
            ({"banner_url": 1}, "banner_url"),
            ({"links": [{"title": "x", "url": "javascript:alert(1)"}]}, "links.0.url"),
            ({"links": [{"title": "x"}]}, "links.0.url"),
            ({"links": [{"url": "https://example.org"}]}, "links.0.title"),
            ({"links": [{"title": "", "url": "https://example.org"}]}, "links.0.title"),
            ({"links": [{"title": "x", "url": "https://example.org"}] * 11}, "links"),
            ({"links": {}}, "links"),
            ({"links": None}, "links"),
            ({"links": "x"}, "links"),
            ({"links": ["x"]}, "links.0"),
        ],
    )
    def test_refuses_what_does_not_fit(self, change, field):
        response = client_of(make_user()).patch(ME, change, format="json")

        assert faulty_fields(response) == {field}

    def test_keeps_nothing_of_a_link_but_title_and_address(self):
        client = client_of(make_user())
        link = {"title": "x", "url": "https://example.org", "onclick": "alert(1)"}

        response = client.patch(ME, {"links": [link]}, format="json")

        assert response.json()["links"] == [{"title": "x", "url": "https://example.org"}]

    def test_shows_roles_as_they_are_now(self):
        user = make_user()
        client = client_of(user)

        user.user_roles.create(role_id=RoleName.MODERATOR)

        assert client.get(ME).json()["roles"] == ["listener", "creator", "moderator"]

    def test_needs_a_token(self, api_client: APIClient):
        for response in (api_client.get(ME), api_client.patch(ME, {})):
            assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")

    def test_is_written_in_few_statements(self, django_assert_max_num_queries):
        client = client_of(make_user())

        with django_assert_max_num_queries(8):  # two of them are the savepoint of this test
            client.patch(ME, {"bio": "new"}, format="json")
