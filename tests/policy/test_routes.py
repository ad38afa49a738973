"""Every cell of every route: who may, who may not, and that a refusal changes nothing."""

from collections.abc import Mapping

import pytest
from django.test import override_settings

from tests.policy.callers import Caller
from tests.policy.driver import faults_of, scene_of
from tests.policy.matrix import Row, areas, columns

pytestmark = pytest.mark.django_db

AREAS = areas("routes")


@pytest.mark.parametrize("area", AREAS)
def test_every_caller_is_answered_as_the_policy_says(
    callers: Mapping[str, Caller], area: str, subtests: pytest.Subtests
) -> None:
    for row in AREAS[area]:
        with subtests.test(row.name), override_settings(**row.says.get("settings", {})):
            assert _faults(row, callers) == []


def _faults(row: Row, callers: Mapping[str, Caller]) -> list[str]:
    return [fault for name in columns() for fault in faults_of(row, scene_of(callers, name))]
