"""The checker of the fault rig sees what it claims to see."""

import random
from dataclasses import replace

import pytest

from tests.faults.rig.checks import CHECKS, faults
from tests.faults.rig.history import History, Seen
from tests.faults.rig.ledger import Op
from tests.faults.rig.sabotages import SABOTAGES, missed

FACTS = 200
SUBJECTS = 5


def good() -> History:
    """Writers of a few subjects, one attempt after the other; two clients saw everything."""
    ops, log = {}, []
    for number in range(1, FACTS + 1):
        subject = f"s{number % SUBJECTS}"
        version = (number - 1) // SUBJECTS + 1
        ops[number] = Op(
            op_id=number, t_call=number, t_return=number + 0.5, outcome="ok", subject=subject,
            version=version,
        )  # fmt: skip
        log.append(
            Seen(fact=f"f{number}", position=number + 10, op=number, subject=subject,
                 version=version)
        )  # fmt: skip
    clients = {"whole": list(log), "data": [replace(row, position=None) for row in log]}
    return History(ops=ops, log=log, clients=clients, floor=10)


def test_a_good_history_has_no_fault() -> None:
    assert faults(good()) == []


@pytest.mark.parametrize("name", sorted(SABOTAGES))
@pytest.mark.parametrize("seed", range(5))
def test_each_sabotage_is_seen_by_its_check(name: str, seed: int) -> None:
    check, spoil = SABOTAGES[name]
    told = faults(spoil(good(), random.Random(seed)))
    assert any(fault.startswith(f"{check}:") for fault in told), told


def test_each_check_has_a_sabotage() -> None:
    assert {check for check, _ in SABOTAGES.values()} == CHECKS.keys()


def test_a_check_that_is_blind_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, "clients_lost", lambda history: ())
    assert missed(good(), random.Random(1)) == ["drop 1 frame in 1,000 is not seen by clients_lost"]


def test_an_attempt_of_unknown_outcome_may_have_happened_or_not() -> None:
    history = good()
    unknown = replace(history.ops[7], outcome="info")
    assert faults(replace(history, ops={**history.ops, 7: unknown})) == []
    absent = Op(op_id=FACTS + 1, t_call=1.0)
    assert faults(replace(history, ops={**history.ops, absent.op_id: absent})) == []
