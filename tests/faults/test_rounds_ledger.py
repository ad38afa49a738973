"""Each committed round comes once and in the order of commits to every client that comes back,
whatever is killed and frozen on the road from PostgreSQL to it.
"""

import asyncio
import json
import random
import signal
from collections.abc import Sequence

import pytest

from tests.faults.rig import ledger
from tests.faults.rig.checks import faults
from tests.faults.rig.history import History
from tests.faults.rig.programs import Program
from tests.faults.rig.road import GAME, Road, RoadNemesis, road_in
from tests.faults.rig.round_clients import KINDS
from tests.faults.rig.sabotages import missed
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.sse import Stream
from tests.faults.rig.waiting import say, until, until_elsewhere
from tests.faults.rig.watchers import Start, Watcher

FIRST_OP = 1_000_000
WRITERS = 4
GAMES = [*(f"{FIRST_OP}-{writer}" for writer in range(WRITERS)), *(f"shared-{n}" for n in range(3))]
WATCHED = [GAME, *GAMES]
ENOUGH = 100 * SIZE.kills


@pytest.mark.parametrize(
    "streams_over",
    [
        "redis",
        pytest.param(
            "nats",
            marks=[
                pytest.mark.needs_nats,
                pytest.mark.skipif(SIZE.name == "small", reason="VEZA_FAULTS=medium kills NATS."),
            ],
        ),
    ],
)
async def test_rounds_survive_kills_of_everything(streams_over, tmp_path):
    seed = SIZE.seeds[0]
    with road_in(tmp_path, streams_over=streams_over) as road:
        road.add_games(*GAMES)
        await until_elsewhere(road.is_carried, what="rounds are carried")
        watchers = await watching(road)
        try:
            with road.oracle():
                publisher = publishing(road, seed=seed)
                try:
                    await RoadNemesis(road, seed=seed).kill(count=SIZE.kills, pause_s=1.5)
                    await until_elsewhere(
                        lambda: ledger.acknowledged(road.folder / "rounds.ledger") > ENOUGH,
                        what="enough is acknowledged to prove something",
                    )
                finally:
                    publisher.signal(signal.SIGTERM)
                    await asyncio.to_thread(publisher.wait)
                history = await drained(road, watchers)
            judge(history, seed=seed)
        finally:
            for watcher in watchers:
                await watcher.stop()


async def watching(road: Road) -> list[Watcher]:
    """Two of each kind, which begin with the next round."""
    start = await newest(road)
    ports = [road.webs[0].client_port]
    watchers = [
        make(f"{kind}-{n}", ports=lambda: ports, start=start, games=WATCHED)
        for kind, make in KINDS.items()
        for n in range(2)
    ]
    for watcher in watchers:
        watcher.begin()
    await until(
        lambda: all(each.is_connected.is_set() for each in watchers),
        what=lambda: f"clients are connected; ends: {[each.ends[-2:] for each in watchers]}",
    )  # fmt: skip
    return watchers


async def newest(road: Road) -> Start:
    """The place of a round that is inserted for it."""
    stream = await Stream.open(road.webs[0].port, rooms=f"game:{GAME}", is_whole=True)
    try:
        assert (await stream.next())["data"] == "connected"
        road.insert()
        envelope = json.loads((await stream.next())["data"])
    finally:
        stream.close()
    return Start(position=envelope["position"], fact=envelope["id"], epoch=envelope["epoch"])


def publishing(road: Road, *, seed: int) -> Program:
    pause_ms = 1000 * WRITERS / SIZE.rounds_per_s - 2  # of which a commit takes some
    publisher = road.publisher(
        "rounds", "--rounds", "--writers", str(WRITERS), "--pause-ms", str(pause_ms),
        "--first-op", str(FIRST_OP), "--seed", str(seed),
    )  # fmt: skip
    publisher.launch()
    return publisher


async def drained(road: Road, watchers: Sequence[Watcher]) -> History:
    """What happened, when everybody has the newest round."""
    start = watchers[0].start
    log = await asyncio.to_thread(road.committed, after=start.position)
    await until(
        lambda: all(each.seen and each.seen[-1].fact == log[-1].fact for each in watchers),
        what=lambda: "; ".join(
            f"{each.name} saw {len(each.seen)} of {len(log)}, ends {each.ends[-3:]},"
            f" resets {each.resets[-3:]}"
            for each in watchers
        ),
    )
    return History(
        ops=ledger.read(road.folder / "rounds.ledger"),
        log=log,
        clients={each.name: each.seen for each in watchers},
        resets={each.name: each.resets for each in watchers},
        floor=start.position,
    )


def judge(history: History, *, seed: int) -> None:
    acked = [op for op in history.ops.values() if op.outcome == "ok"]
    seconds = max(op.t_return for op in acked) - min(op.t_call for op in acked)
    say(
        f"{len(history.ops)} attempts, {len(acked)} acknowledged in {seconds:.0f} s"
        f" ({len(acked) / seconds:.0f}/s), {len(history.log)} rounds committed,"
        f" {sum(map(len, history.clients.values()))} told to {len(history.clients)} clients"
    )
    assert faults(history) == []
    assert missed(history, random.Random(seed)) == []
