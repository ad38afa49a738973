"""Nothing is left out: what the product answers has a row, and a row stands for something."""

from importlib.util import find_spec

import pytest

from tests.policy import routes
from tests.policy.bodies import BODIES
from tests.policy.checksum import MAY_CHANGE, tables
from tests.policy.matrix import PolicyError, Row, columns, document, members, policy, rows
from tests.policy.objects import MAKERS


def told(section: str) -> set[tuple[str, str]]:
    return {(row.place, row.verb) for row in rows(section)}


def test_every_route_has_a_row() -> None:
    missing = [
        f"{method} {address} has no row: say in policy.yaml, under `routes`, who may call it."
        for address, methods in routes.declared().items()
        for method in methods
        if (address, method) not in told("routes")
    ]
    assert not missing, "\n".join(["", *missing])


def test_every_row_has_a_route() -> None:
    declared = routes.declared()
    stale = [
        f"{method} {address} stands in policy.yaml, and the URL conf has no such route: remove it."
        for address, method in sorted(told("routes"))
        if method not in declared.get(address, ())
    ]
    assert not stale, "\n".join(["", *stale])


def test_graphql_would_need_rows() -> None:
    """Once veza.graphql is there, its fields are to be walked as routes are."""
    has_schema = find_spec("veza.graphql") is not None
    has_route = any("graphql" in address for address in routes.declared())
    if has_schema or has_route:
        assert "graphql" in document(), (
            "There is a GraphQL schema: add a section `graphql` to policy.yaml with a row for"
            " every root field, and a test that walks the schema and drives them."
        )


class TestEveryName:
    """In policy.yaml means something, and no two rows are one."""

    def test_of_a_row_is_known(self) -> None:
        for row in rows("routes"):
            body = row.says.get("body")
            assert not isinstance(body, str) or body in BODIES, row.name
            for name in routes.parameters(row.place):
                assert row.says.get("with", {}).get(name, name) in MAKERS, (row.name, name)

    def test_stands_once(self) -> None:
        names = [row.name for row in rows("routes")]
        assert sorted(names) == sorted(set(names))

    def test_of_a_group_and_a_policy_is_used_and_known(self) -> None:
        assert all(members(name) for name in document()["groups"])
        used = {row.who for row in rows("routes")} | {row.who for row in rows("sockets")}
        bases = {each["extends"] for each in document()["policies"].values() if "extends" in each}
        assert used | bases == set(document()["policies"])
        assert all(policy(name).about for name in used)

    def test_of_a_table_that_a_refusal_may_write_is_known(self, db: None) -> None:
        assert {name.partition(".")[0] for name in MAY_CHANGE} <= set(tables())
        assert all(MAY_CHANGE.values())


class TestReading:
    @pytest.mark.parametrize("name", ["listeners", "", "Owner"])
    def test_refuses_unknown_callers(self, name: str) -> None:
        with pytest.raises(PolicyError, match="no caller and no group"):
            members(name)

    def test_refuses_unknown_policies(self) -> None:
        with pytest.raises(PolicyError, match="no policy"):
            policy("everybody")

    def test_gives_every_row_a_cell_for_every_caller(self) -> None:
        every: list[Row] = [*rows("routes"), *rows("sockets")]
        assert all(set(row.cells) == set(columns()) for row in every)
