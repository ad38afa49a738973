"""A change that capture cannot decode stops rounds and is told, and is skipped when told so."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.rig.programs import ROOT
from tests.faults.rig.road import GAME, Road
from tests.faults.rig.waiting import until, until_elsewhere
from tests.faults.test_capture import watching

INSERT = """
INSERT INTO datastream_round (game_id, note)
SELECT g.id, CASE WHEN n = ANY (%s) THEN '\\xff'::bytea::text ELSE 'good' END
  FROM datastream_game g, generate_series(1, %s) n WHERE slug = %s RETURNING id
"""


@pytest.fixture
def broken(road: Road) -> Iterator[Road]:
    """A column of text in which there may be bytes that are none."""
    road.query("CREATE CAST (bytea AS text) WITHOUT FUNCTION")
    road.query("ALTER TABLE datastream_round ADD COLUMN note text")
    yield road
    road.query("ALTER TABLE datastream_round DROP COLUMN note")
    road.query("DROP CAST (bytea AS text)")


def insert(road: Road, count: int, *, bad: list[int]) -> list[int]:
    """Rounds in one commit, the `bad` of which (from 1 on) nobody can decode; their numbers."""
    return [row[0] for row in road.query(INSERT, bad, count, GAME)]


def capture(road: Road, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "capture", *arguments], cwd=ROOT, text=True, check=False,
        env=dict(road.environment("capture-command", COLUMNS="300")), capture_output=True,
    )  # fmt: skip


def state(road: Road) -> tuple[str, str]:
    _, body = road.webs[0].get("/readyz")
    found = body["dependencies"]["capture"]
    return found["state"], found.get("detail", "")


def in_the_way(road: Road) -> dict[str, str]:
    """The positions of what is not skipped yet: `lsn` and `commit`."""
    rows = road.query(
        "SELECT '0/0'::pg_lsn + lsn, '0/0'::pg_lsn + commit_lsn FROM events_unreadable_change"
        " WHERE skipped_at IS NULL ORDER BY id DESC LIMIT 1"
    )
    return dict(zip(("lsn", "commit"), rows[0], strict=True)) if rows else {}


async def until_stuck(road: Road) -> dict[str, str]:
    await until_elsewhere(
        lambda: in_the_way(road) and "cannot be decoded" in state(road)[1],
        what="it is told that a change cannot be decoded",
    )  # fmt: skip
    return in_the_way(road)


async def test_it_stands_in_the_way_until_it_is_skipped(broken):
    pids = [each.pid for each in broken.captures]
    async with watching(broken) as client:
        first, bad, third = insert(broken, 3, bad=[2])
        after = broken.insert()

        place = await until_stuck(broken)
        await until(partial(client.has, first), what="what came before it is told")
        status = capture(broken, "--status").stdout
        metrics = broken.webs[0].get("/metrics")[1]
        refused = capture(broken, "--skip", "0/8")
        waited = list(client.seen)
        broken.captures[0].kill()
        await broken.captures[0].start()
        skipped = capture(broken, "--skip", place["lsn"])
        await until(partial(client.has, after), what="the rest is told")

        assert state(broken)[0] in ("up", "down")
        await until_elsewhere(broken.is_carried, what="it is well again")
    assert third not in waited
    assert f"insert datastream_round at {place['lsn']}" in status
    assert "invalid start byte" in status
    assert "veza_capture_unreadable 1.0" in str(metrics)
    assert refused.returncode == 1
    assert "No change at this position" in refused.stderr
    assert skipped.returncode == 0, skipped.stderr
    assert client.seen == [first, third, after], f"and not {bad}, and none twice"
    assert broken.captures[1].pid == pids[1], "no process ends because of it"
    assert place["lsn"] in capture(broken, "--status").stdout, "it stays written down"


async def test_by_its_commit_all_of_a_transaction_is_skipped_that_cannot_be_decoded(broken):
    async with watching(broken) as client:
        rows = insert(broken, 30, bad=[*range(2, 30)])
        after = broken.insert()
        place = await until_stuck(broken)

        done = capture(broken, "--skip", place["commit"])
        await until(partial(client.has, after), what="the rest is told")

    assert "all of its transaction" in done.stdout
    assert client.seen == [rows[0], rows[-1], after]


async def test_rows_that_cannot_be_decoded_are_left_out_when_all_are_read_again(broken):
    async with watching(broken) as client:
        insert(broken, 3, bad=[3])
        place = await until_stuck(broken)
        broken.redis_command("FLUSHALL")

        await until(lambda: client.resets, what="a new epoch has begun")
        await until_elsewhere(broken.is_carried, what="rounds are carried again")
        after = broken.insert()
        await until(partial(client.has, after), what="the next round is told")

    assert capture(broken, "--skip", place["lsn"]).returncode == 0
