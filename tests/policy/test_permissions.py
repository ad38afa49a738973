"""The written policy: who holds which permission, and the page that tells of it."""

import pytest

from apps.auth.models import RolePermission
from apps.auth.types import RoleName
from tests.policy.describe import PAGE, holders, page
from tests.policy.matrix import Row, rows
from veza.kit import permissions

pytestmark = pytest.mark.django_db


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "Run `python -m tests.policy.describe`."


def test_the_page_names_the_holders_that_migrations_make() -> None:
    found: dict[str, set[str]] = {}
    for held in RolePermission.objects.all():
        found.setdefault(held.permission_id, set()).add(held.role_id)
    assert found == {name: set(roles) for name, roles in holders().items()}
    assert set(found) == set(permissions.declared())


def test_rows_that_need_a_permission_admit_its_holders_and_no_other_role() -> None:
    asked = [row for row in rows("routes") + rows("sockets") if "." in row.says.get("needs", "")]
    assert asked
    for row in asked:
        held = holders()[row.says["needs"]]
        admitted = {
            role for role in RoleName.values if role in row.cells and _is_success(row, role)
        }
        assert admitted == set(held) & set(row.cells), row.name


def _is_success(row: Row, caller: str) -> bool:
    return str(row.cells[caller]) == str(row.says["ok"])
