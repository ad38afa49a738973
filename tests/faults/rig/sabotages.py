"""Histories spoilt on purpose: a check that does not see its own sabotage proves nothing."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.faults.rig.checks import faults
from tests.faults.rig.history import History, Seen

Sabotage = Callable[[History, random.Random], History]
DROPS_ONE_IN = 1000


def missed(history: History, rng: random.Random) -> list[str]:
    """The sabotages of this history that the checks do not see; empty when all are caught."""
    return [
        f"{name} is not seen by {check}"
        for name, (check, spoil) in SABOTAGES.items()
        if not any(fault.startswith(f"{check}:") for fault in faults(spoil(history, rng)))
    ]


def _client(history: History, rng: random.Random) -> tuple[str, list[Seen]]:
    name = rng.choice(sorted(history.clients))
    return name, history.clients[name]


def _drop(history: History, rng: random.Random) -> History:
    """One frame in a thousand, and at least one."""
    name, seen = _client(history, rng)
    victims = set(rng.sample(range(len(seen)), max(1, len(seen) // DROPS_ONE_IN)))
    return history.with_client(name, [each for i, each in enumerate(seen) if i not in victims])


def _double(history: History, rng: random.Random) -> History:
    name, seen = _client(history, rng)
    place = rng.randrange(len(seen))
    return history.with_client(name, [*seen[: place + 1], *seen[place:]])


def _reorder(history: History, rng: random.Random) -> History:
    name, seen = _client(history, rng)
    place = rng.randrange(len(seen) - 1)
    return history.with_client(name, _swapped(seen, place, place + 1))


def _invent(history: History, rng: random.Random) -> History:
    name, seen = _client(history, rng)
    return history.with_client(name, [*seen, Seen(fact="invented", op=rng.randrange(10**9))])


def _mislabel(history: History, rng: random.Random) -> History:
    name, seen = _client(history, rng)
    place = rng.randrange(len(seen))
    other = replace(seen[place], op=10**9)
    return history.with_client(name, [*seen[:place], other, *seen[place + 1 :]])


def _forget_commit(history: History, rng: random.Random) -> History:
    """A fact that was acknowledged never reached the log, so nobody saw it."""
    acked = [row for row in history.log if row.op is not None and _is_acked(history, row)]
    victim = rng.choice(acked)
    spoilt = history.with_log([row for row in history.log if row is not victim])
    for name, seen in history.clients.items():
        spoilt = spoilt.with_client(name, [each for each in seen if each.fact != victim.fact])
    return spoilt


def _commit_twice(history: History, rng: random.Random) -> History:
    place = rng.randrange(len(history.log))
    return history.with_log([*history.log[: place + 1], *history.log[place:]])


def _commit_what_failed(history: History, rng: random.Random) -> History:
    victim = rng.choice([row for row in history.log if row.op is not None])
    failed = replace(history.ops[victim.op or 0], outcome="fail")
    return replace(history, ops={**history.ops, failed.op_id: failed})


def _leave_a_gap(history: History, rng: random.Random) -> History:
    place = rng.randrange(len(history.log) - 1)
    later = [replace(row, position=(row.position or 0) + 1) for row in history.log[place + 1 :]]
    return history.with_log([*history.log[: place + 1], *later])


def _swap_in_time(history: History, rng: random.Random) -> History:
    """Two facts change places of which one had ended before the other began."""
    log = history.log
    ends = [history.ops[row.op].t_return if row.op in history.ops else 0.0 for row in log]
    calls = [history.ops[row.op].t_call if row.op in history.ops else 0.0 for row in log]
    first = rng.choice([i for i in range(len(log)) if 0 < ends[i] < max(calls[i:])])
    second = next(i for i in range(first, len(log)) if calls[i] > ends[first])
    return history.with_log(_swapped(log, first, second))


def _swap_versions(history: History, rng: random.Random) -> History:
    """Facts of one subject come in another order than they were committed."""
    of_subject: dict[str, list[int]] = {}
    for number, row in enumerate(history.log):
        if row.version is not None:
            of_subject.setdefault(row.subject, []).append(number)
    first, second = rng.choice([each for each in of_subject.values() if len(each) > 1])[:2]
    return history.with_log(_swapped(history.log, first, second))


def _reset(history: History, rng: random.Random) -> History:
    name, _ = _client(history, rng)
    return replace(history, resets={**history.resets, name: ["expired"]})


def _is_acked(history: History, row: Seen) -> bool:
    return row.op in history.ops and history.ops[row.op].outcome == "ok"


def _swapped(rows: Sequence[Seen], first: int, second: int) -> list[Seen]:
    spoilt = list(rows)
    spoilt[first], spoilt[second] = spoilt[second], spoilt[first]
    return spoilt


SABOTAGES: dict[str, tuple[str, Sabotage]] = {
    "drop 1 frame in 1,000": ("clients_lost", _drop),
    "double a frame": ("clients_doubled", _double),
    "reorder two frames": ("clients_order", _reorder),
    "invent a frame": ("clients_unexpected", _invent),
    "mislabel a frame": ("clients_unexpected", _mislabel),
    "forget a commit": ("lost", _forget_commit),
    "commit twice": ("doubled", _commit_twice),
    "commit what failed": ("unexpected", _commit_what_failed),
    "leave a gap": ("dense", _leave_a_gap),
    "swap in time": ("real_time", _swap_in_time),
    "swap versions": ("versions", _swap_versions),
    "reset a client": ("resets", _reset),
}
