"""Methods that an address does not take, other ways to write an address, and step-up."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.auth.models import Session
from tests.policy import routes
from tests.policy.callers import Caller
from tests.policy.checksum import checksum
from tests.policy.driver import Prepared, prepare, scene_of, send, undone
from tests.policy.matrix import rows

pytestmark = pytest.mark.django_db

ROWS = [row for row in rows("routes") if not row.place.startswith("/admin")]
METHODS = (*routes.METHODS, "TRACE", "BREW")
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
INTERNAL = "/api/v1/internal/chat/introspect"
DISGUISED = (
    "/api/v1/Internal/chat/introspect", "/api/v1//internal/chat/introspect",
    "/api/v1/internal;x/chat/introspect", "/api/v1/./internal/chat/introspect",
    "/api/v1/%69nternal/chat/introspect", "/api/v1/x/../internal/chat/introspect",
    "/api/v1/internal/chat/introspect/", "/api/v1/internal//chat/introspect",
    "/api/v1/internal%2fchat/introspect", "/api/v1\\internal\\chat\\introspect",
)  # fmt: skip


@pytest.mark.parametrize("name", ["anonymous", "owner", "other", "program-write"])
def test_head_is_answered_as_get(
    callers: Mapping[str, Caller], name: str, subtests: pytest.Subtests
) -> None:
    for row in [row for row in ROWS if row.verb == "GET" and "settings" not in row.says]:
        with subtests.test(row.name), undone():
            scene = scene_of(callers, name)
            answer = send(replace(prepare(row, scene), method="HEAD"), scene.caller)
            assert (answer.status, answer.text) == (row.cells[name].status, "")


@pytest.mark.parametrize("name", ["anonymous", "owner"])
def test_other_methods_are_refused_and_change_nothing(
    callers: Mapping[str, Caller], name: str, subtests: pytest.Subtests
) -> None:
    for place, row in {row.place: row for row in ROWS}.items():
        with subtests.test(place), undone():
            scene = scene_of(callers, name)
            request = prepare(row, scene)
            before = checksum()
            for method in {*METHODS} - {*routes.declared()[place]}:
                assert send(replace(request, method=method), scene.caller).status == 405, method
            assert checksum() == before


def test_options_change_nothing_and_tell_nothing_of_anyone(
    callers: Mapping[str, Caller], subtests: pytest.Subtests
) -> None:
    for place, row in {row.place: row for row in ROWS}.items():
        with subtests.test(place), undone():
            scene = scene_of(callers, "anonymous")
            request = replace(prepare(row, scene), method="OPTIONS", body=None)
            before = checksum()
            answer = send(request, scene.caller)
            assert answer.status in (200, 401, 405)
            assert scene.owner.email not in answer.text
            assert checksum() == before


@pytest.mark.parametrize("header", OVERRIDES)
def test_a_header_makes_no_other_method_of_it(
    callers: Mapping[str, Caller], header: str, subtests: pytest.Subtests
) -> None:
    for row in [row for row in ROWS if row.verb == "DELETE"]:
        with subtests.test(row.name), undone():
            scene = scene_of(callers, "owner")
            request = replace(prepare(row, scene), method="GET", body=None)
            request = replace(request, path=f"{request.path}?_method=DELETE")
            answers = (421,) if row.place.startswith("/api/v1/uploads") else (200, 405)
            before = checksum()
            assert send(request, scene.caller, **{header: "DELETE"}).status in answers
            assert checksum() == before


def test_no_way_of_writing_it_opens_an_internal_address(
    callers: Mapping[str, Caller], subtests: pytest.Subtests
) -> None:
    for path in (INTERNAL, *DISGUISED):
        with subtests.test(path), undone():
            for name in ("anonymous", "admin", "machine"):
                request = Prepared(method="POST", path=path, body={"token": "x"})
                assert send(request, callers[name]).status in (400, 401, 404), name


def test_no_way_of_writing_it_opens_the_admin(
    callers: Mapping[str, Caller], subtests: pytest.Subtests
) -> None:
    for path in ("/Admin/", "/admin//", "/admin;/", "/%61dmin/", "/admin/./"):
        with subtests.test(path), undone():
            request = Prepared(method="GET", path=path, body=None)
            assert send(request, callers["admin"]).status in (302, 400, 404)


class TestStepUp:
    def test_is_asked_where_the_policy_says_and_nowhere_else(
        self, callers: Mapping[str, Caller], subtests: pytest.Subtests
    ) -> None:
        for row in [row for row in ROWS if row.who in ("session", "own", "signed-in", "open")]:
            with subtests.test(row.name), undone():
                scene = scene_of(callers, "owner")
                request = prepare(row, scene)
                Session.objects.update(stepped_up_at=scene.now - timedelta(hours=1))
                before, answer = checksum(), send(request, scene.caller)
                is_asked = row.says.get("needs") == "step-up"
                assert (answer.code == "step_up_required") == is_asked
                assert not is_asked or checksum() == before
