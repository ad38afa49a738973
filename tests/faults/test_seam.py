"""P3, P5: inverted commits skip nobody, and between history and live there is no seam."""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence

from tests.faults.rig.centrifugo import SocketWatcher
from tests.faults.rig.facts import logged
from tests.faults.rig.history import Seen
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.sse import SseWatcher
from tests.faults.rig.system import System
from tests.faults.rig.trial import trial
from tests.faults.rig.waiting import until
from tests.faults.rig.watchers import Start, Watcher

WRITERS = 16
HELD_MS = 300


async def test_who_began_first_and_committed_last_is_not_skipped(system: System) -> None:
    async with trial(system) as run:
        await run.watch(sse=2, sockets=2)
        await run.write(
            publishers=WRITERS, pause_s=0.0,
            arguments=("--hold-ms", str(HELD_MS), "--count", str(SIZE.inverted)),
        )  # fmt: skip
        publisher = run.publishers[0]
        await until(lambda: not publisher.is_running, what="all attempts are made")
        history = await run.judge(at_least=SIZE.inverted // 2)
        rows = system.query(
            "SELECT seq FROM events_log WHERE position > %s ORDER BY position", run.start.position
        )
        numbers = [seq for (seq,) in rows]
        inverted = sum(b < a for a, b in itertools.pairwise(numbers))
        assert inverted > len(history.log) // 20, "hardly anyone overtook anyone"


async def test_who_connects_while_facts_come_has_neither_hole_nor_double(system: System) -> None:
    async with trial(system) as run:
        await run.write(publishers=4, pause_s=0.002)
        await asyncio.sleep(0.5)
        known = logged(system, after=run.start.position)
        rng = random.Random(SIZE.seeds[0])
        began: dict[str, int] = {}
        for number in range(SIZE.resumes):
            place = rng.randrange(len(known))
            watcher = _resuming(number, known[place], run.start.epoch, run.ports)
            began[watcher.name] = known[place].position or 0
            run.watchers.append(watcher)
            watcher.begin()
            await asyncio.sleep(rng.uniform(0, 0.02))
        await until(
            lambda: all(watcher.is_connected.is_set() for watcher in run.watchers),
            what="all clients are connected",
        )  # fmt: skip
        await run.end_load()
        await run.drain()
        log = logged(system, after=run.start.position)
        for watcher in run.watchers:
            wanted = [row.fact for row in log if (row.position or 0) > began[watcher.name]]
            assert [each.fact for each in watcher.seen] == wanted, watcher.name
            assert watcher.resets == []


def _resuming(number: int, at: Seen, epoch: str, ports: Callable[[], Sequence[int]]) -> Watcher:
    start = Start(position=at.position or 0, fact=at.fact, epoch=epoch)
    make = SseWatcher if number % 2 else SocketWatcher
    return make(f"client-{number}", ports=ports, start=start, seed=number // 2)
