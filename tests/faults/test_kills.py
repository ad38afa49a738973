"""P1, P2, P11: whoever comes back has every fact once and in order, whatever was killed or cut."""

import asyncio

import pytest

from tests.faults.rig import leaks
from tests.faults.rig.nemesis import Nemesis
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.system import System
from tests.faults.rig.trial import Trial, trial

KILLS = ("web-1", "relay-1", "redis", "web-2", "worker", "relay-2", "postgres")


async def under_load(run: Trial) -> None:
    await run.watch(sse=SIZE.sse, sockets=SIZE.sockets)
    await run.write(api=SIZE.api_writers, publishers=SIZE.publishers, pause_s=SIZE.pause_s)


async def test_without_a_fault_nothing_is_lost_and_nothing_is_left_over(system: System) -> None:
    children = leaks.children()
    await _calm(system)  # threads, and what each of them keeps open, come with the first load
    base = await leaks.at_rest(system)
    await _calm(system)
    await leaks.check(system, base)
    assert leaks.children() == children


async def _calm(system: System) -> None:
    async with trial(system) as run:
        await under_load(run)
        await asyncio.sleep(SIZE.period_s)
        await run.judge(at_least=20)


async def test_kills_of_every_process_lose_and_double_nothing(system: System) -> None:
    async with trial(system) as run:
        await under_load(run)
        nemesis = Nemesis(system, seed=SIZE.seeds[0])
        for name in KILLS:
            await nemesis.strike(f"kill {name}")
            await asyncio.sleep(SIZE.period_s / 2)
            await system.heal()
        await run.judge(at_least=50)


@pytest.mark.parametrize("seed", SIZE.seeds, ids=lambda _: "drawn")
async def test_faults_drawn_at_random_lose_and_double_nothing(system: System, seed: int) -> None:
    async with trial(system, seed=seed) as run:
        await under_load(run)
        await Nemesis(system, seed=seed).rage(periods=SIZE.periods, period_s=SIZE.period_s)
        await run.judge(at_least=20)


async def test_a_frozen_relay_that_wakes_again_doubles_nothing(system: System) -> None:
    async with trial(system) as run:
        await under_load(run)
        nemesis = Nemesis(system, seed=SIZE.seeds[0])
        for name in ("relay-1", "relay-2"):
            await nemesis.strike(f"freeze {name}")
            before = len(run.watchers[0].seen)
            await asyncio.sleep(SIZE.frozen_s)
            assert len(run.watchers[0].seen) > before, "the other relay does not go on"
            await system.heal()
        await run.judge(at_least=50)
