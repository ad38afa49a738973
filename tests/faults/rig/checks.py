"""What is wrong with a history. Each check is named; `sabotages` proves that it can fail."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from tests.faults.rig.history import History, Seen

SHOWN = 5
Check = Callable[[History], Iterable[str]]


def faults(history: History) -> list[str]:
    """`check: what` for each fault; empty when the promise was kept."""
    return [f"{name}: {what}" for name, check in CHECKS.items() for what in check(history)]


def _lost(history: History) -> Iterable[str]:
    """Acknowledged, and not in the log."""
    logged = {row.op for row in history.log}
    missing = [
        op.op_id for op in history.ops.values() if op.outcome == "ok" and op.op_id not in logged
    ]
    if missing:
        yield f"{len(missing)} acknowledged facts are not in the log: {missing[:SHOWN]}"


def _unexpected(history: History) -> Iterable[str]:
    """In the log, though nobody tried, or though it surely failed."""
    for row in history.log:
        if row.op is None:
            continue
        op = history.ops.get(row.op)
        if op is None:
            yield f"the log holds {row}, which nobody attempted"
        elif op.outcome == "fail":
            yield f"the log holds {row}, which failed: {op.detail}"


def _doubled(history: History) -> Iterable[str]:
    for kind, values in (
        ("attempts", [row.op for row in history.log if row.op is not None]),
        ("ids", [row.fact for row in history.log]),
    ):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            yield f"{len(twice)} {kind} stand twice in the log: {twice[:SHOWN]}"


def _dense(history: History) -> Iterable[str]:
    positions = [row.position for row in history.log]
    if positions != list(range(history.floor + 1, history.floor + 1 + len(positions))):
        yield f"positions after {history.floor} are not dense and rising"


def _real_time(history: History) -> Iterable[str]:
    """What had returned before something else was called stands before it."""
    latest_call = float("-inf")
    for row in history.log:
        op = history.ops.get(row.op) if row.op is not None else None
        if op is None:
            continue
        if op.t_return < latest_call:
            yield f"{row} stands after a fact that was begun after it had ended"
        latest_call = max(latest_call, op.t_call)


def _versions(history: History) -> Iterable[str]:
    yield from _versions_in("the log", history.log)
    for name, seen in history.clients.items():
        yield from _versions_in(name, seen)


def _versions_in(where: str, seen: Sequence[Seen]) -> Iterable[str]:
    """The versions of one subject follow each other without a gap, in the order of commits."""
    by_subject: dict[str, list[int]] = defaultdict(list)
    for each in seen:
        if each.version is not None:
            by_subject[each.subject].append(each.version)
    for subject, versions in by_subject.items():
        expected = list(range(versions[0], versions[0] + len(versions)))
        if versions != expected:
            wrong = next(i for i, pair in enumerate(zip(versions, expected)) if pair[0] != pair[1])  # noqa: B905
            around = versions[max(0, wrong - 2) : wrong + 3]
            yield f"{where}: versions of {subject} are out of order at {around}"


def _clients_lost(history: History) -> Iterable[str]:
    wanted = {row.fact: row for row in history.log}
    for name, seen in history.clients.items():
        missing = wanted.keys() - {each.fact for each in seen}
        if missing:
            places = sorted(wanted[fact].position or 0 for fact in missing)
            yield f"{name} missed {len(missing)} of {len(wanted)} facts, at {places[:SHOWN]}"


def _clients_doubled(history: History) -> Iterable[str]:
    for name, seen in history.clients.items():
        twice = [fact for fact, n in Counter(each.fact for each in seen).items() if n > 1]
        if twice:
            yield f"{name} saw {len(twice)} facts more than once: {twice[:SHOWN]}"


def _clients_unexpected(history: History) -> Iterable[str]:
    known = {row.fact: row for row in history.log}
    for name, seen in history.clients.items():
        for each in seen:
            row = known.get(each.fact)
            if row is None:
                yield f"{name} saw {each}, which is not in the log"
            elif row.op != each.op or each.position not in (None, row.position):
                yield f"{name} saw {each}, which the log knows as {row}"


def _clients_order(history: History) -> Iterable[str]:
    places = {row.fact: place for place, row in enumerate(history.log)}
    for name, seen in history.clients.items():
        order = [places[each.fact] for each in seen if each.fact in places]
        wrong = sum(1 for first, second in itertools.pairwise(order) if second < first)
        if wrong:
            yield f"{name} saw {wrong} facts before one that stands before them"


def _resets(history: History) -> Iterable[str]:
    for name, told in history.resets.items():
        if told:
            yield f"{name} was told that its place is lost: {told[:SHOWN]}"


CHECKS: dict[str, Check] = {
    "lost": _lost,
    "unexpected": _unexpected,
    "doubled": _doubled,
    "dense": _dense,
    "real_time": _real_time,
    "versions": _versions,
    "clients_lost": _clients_lost,
    "clients_doubled": _clients_doubled,
    "clients_unexpected": _clients_unexpected,
    "clients_order": _clients_order,
    "resets": _resets,
}
