"""What belongs to somebody else does not exist: not by its id, and not in any list."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.factories.auth import LAPTOP
from tests.policy.callers import Caller
from tests.policy.driver import prepare, scene_of, send, undone
from tests.policy.matrix import Row, columns, rows
from tests.policy.objects import MAKERS
from tests.policy.world import Scene

pytestmark = pytest.mark.django_db

PRIVATE = ("session_id", "token_id", "passkey_id", "identity_id")
OWNS = ("owner", "program-read", "program-write", "program-ingest")
BY_ID = [
    row for row in rows("routes")
    if "missing" in row.says and "{" in row.place + row.says.get("query", "")
    and "settings" not in row.says
]  # fmt: skip
LISTS = [row for row in rows("routes") if row.verb == "GET"]


def test_absent_and_foreign_objects_are_answered_alike(
    callers: Mapping[str, Caller], subtests: pytest.Subtests
) -> None:
    """To the letter, but for what names the request."""
    for row in BY_ID:
        with subtests.test(row.name):
            for name in [name for name in columns() if row.cells[name].status == 404]:
                foreign, absent = _both(row, scene_of(callers, name))
                assert foreign == absent, name


def _both(row: Row, scene: Scene) -> list[Any]:
    """What he is told of the owner's object, and of one that is not there."""
    told = []
    for is_absent in (False, True):
        with undone():
            request = prepare(row, scene, is_absent=is_absent)
            answer = send(request, scene.caller)
            told.append((answer.status, answer.comparable(request.path)))
    return told


def test_nobody_reads_of_the_owner_what_is_private(
    callers: Mapping[str, Caller], subtests: pytest.Subtests
) -> None:
    with undone():
        private = _private_of(scene_of(callers, "owner"))
        for row in LISTS:
            with subtests.test(row.name):
                for name in [name for name in columns() if _may_see_nothing_private(row, name)]:
                    with undone():
                        scene = scene_of(callers, name)
                        text = send(prepare(row, scene), scene.caller).text
                    assert [each for each in private if each in text] == [], name


def test_the_owner_reads_it(callers: Mapping[str, Caller]) -> None:
    """So the test above looks for what can be found."""
    with undone():
        scene = scene_of(callers, "owner")
        private, text = _private_of(scene), ""
        for row in LISTS:
            if row.who == "session" or row.place == "/api/v1/users/me":
                text += send(prepare(row, scene), scene.caller).text
        assert [each for each in private if each not in text] == []


def _private_of(scene: Scene) -> list[str]:
    """Ids of what only the owner may see, his address and where he was."""
    return [*(str(MAKERS[name].make(scene)) for name in PRIVATE), scene.owner.email, LAPTOP.address]


def _may_see_nothing_private(row: Row, name: str) -> bool:
    is_of_owner = name in OWNS
    return row.cells[name].status == 200 and not is_of_owner and row.who != "holders"
