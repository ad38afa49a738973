"""The driver finds what is wrong: here the policy is, and there the product."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from apps.auth.models import AccessToken, AuditEntry, User
from apps.auth.services import audit
from apps.auth.types import AuditAction
from tests.policy import driver
from tests.policy.callers import Caller
from tests.policy.checksum import checksum
from tests.policy.driver import faults_of, scene_of, undone
from tests.policy.matrix import Outcome, Row, rows

pytestmark = pytest.mark.django_db


def row_of(name: str) -> Row:
    return next(row for row in rows("routes") if row.name == name)


def wrong(row: Row, caller: str, outcome: Outcome) -> Row:
    return replace(row, cells={**row.cells, caller: outcome})


@pytest.mark.parametrize(
    ("name", "caller", "outcome", "fault"),
    [
        (
            "GET /api/v1/audit", "creator", Outcome(status=200),
            "GET /api/v1/audit as creator: 200 is right, and 403 forbidden came.",
        ),
        (
            "GET /api/v1/users/me", "anonymous", Outcome(status=401, code="token_invalid"),
            "GET /api/v1/users/me as anonymous: 401 token_invalid is right, and"
            " 401 not_authenticated came.",
        ),
        (
            "DELETE /api/v1/auth/sessions/{session_id}", "owner",
            Outcome(status=404, code="session_not_found"),
            "DELETE /api/v1/auth/sessions/{session_id} as owner: 404 session_not_found is right,"
            " and 204 came.",
        ),
    ],
)  # fmt: skip
def test_another_answer_is_told(
    callers: Mapping[str, Caller], name: str, caller: str, outcome: Outcome, fault: str
) -> None:
    faults = faults_of(wrong(row_of(name), caller, outcome), scene_of(callers, caller))
    assert faults[0] == fault


def test_what_was_done_in_spite_of_a_refusal_is_told(callers: Mapping[str, Caller]) -> None:
    row = row_of("DELETE /api/v1/auth/sessions/{session_id}")
    row = wrong(row, "owner", Outcome(status=404, code="session_not_found"))
    faults = faults_of(row, scene_of(callers, "owner"))
    assert any(
        fault.endswith("it was refused, and yet accounts_session has changed.") for fault in faults
    )


def test_a_member_too_many_is_told(callers: Mapping[str, Caller]) -> None:
    row = row_of("GET /api/v1/users/{username}")
    row = replace(row, says={**row.says, "shows": "id username"})
    [fault] = faults_of(row, scene_of(callers, "other"))
    assert "'bio'" in fault
    assert fault.endswith("which is not in `shows`.")


def test_nothing_is_left_of_a_cell(callers: Mapping[str, Caller]) -> None:
    before = checksum()
    assert faults_of(row_of("PATCH /api/v1/users/me"), scene_of(callers, "owner")) == []
    assert checksum() == before


class TestChecksum:
    def test_sees_a_changed_value(self, callers: Mapping[str, Caller]) -> None:
        before = checksum()
        with undone():
            User.objects.filter(pk=callers["other"].user.pk).update(bio="x")  # type: ignore[union-attr]
            assert self.changed(before) == {"accounts_user"}
        assert self.changed(before) == set()

    def test_sees_two_rows_change_places(self, callers: Mapping[str, Caller]) -> None:
        before = checksum()
        with undone():
            first, second = AccessToken.objects.order_by("id")[:2]
            AccessToken.objects.filter(pk=first.pk).update(name=second.name)
            AccessToken.objects.filter(pk=second.pk).update(name=first.name)
            assert self.changed(before) == {"accounts_accesstoken"}

    def test_leaves_out_what_a_refusal_may_write(self, callers: Mapping[str, Caller]) -> None:
        before = checksum()
        with undone():
            audit.record(AuditAction.LOGIN_FAILED)
            AccessToken.objects.update(last_used_at=None)
            assert AuditEntry.objects.exists()
            assert self.changed(before) == set()

    def changed(self, before: Mapping[str, Any]) -> set[str]:
        return {table for table, now in checksum().items() if now != before[table]}


def test_each_request_comes_from_an_address_of_its_own() -> None:
    assert driver._next_address() != driver._next_address()
