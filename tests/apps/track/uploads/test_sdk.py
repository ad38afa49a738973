"""tus-js-client under Node: a client that others wrote, over links that break."""

import json
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests import npm
from tests.apps.track.uploads.disk import Disk
from tests.apps.track.uploads.tus import PATH, Tus
from tests.faults.rig.proxy import Board, Link
from tests.veza.asgi.wire import until

HERE = Path(__file__).parent / "sdk"
TIMEOUT_S = 120
SLOW_BYTES_PER_S = 4_000_000.0


@pytest.fixture(scope="module")
def script() -> Path:
    return npm.installed_packages(HERE, "client.mjs") / "client.mjs"


@pytest.fixture
def link(tus: Tus) -> Iterator[Link]:
    board = Board()
    yield board.link("uploads", tus.port)
    board.close()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "night train.flac"
    path.write_bytes(os.urandom(6_000_000))
    return path


def upload(script: Path, song: Path, *, port: int, tus: Tus, **options: Any) -> dict[str, Any]:
    """What the program says at its end."""
    asked = {
        "endpoint": f"http://127.0.0.1:{port}{PATH}", "token": tus.account.access,
        "file": str(song), **options,
    }  # fmt: skip
    done = subprocess.run(
        ["node", str(script), json.dumps(asked)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout or json.dumps({"error": done.stderr}))
    return said


@pytest.mark.parametrize(
    "options",
    [{}, {"chunkSize": 1_000_000}, {"uploadDataDuringCreation": True, "chunkSize": 2_500_000}],
    ids=["at once", "in chunks", "with creation"],
)
def test_a_file_arrives(script, song, tus, disk: Disk, options):
    said = upload(script, song, port=tus.port, tus=tus, **options)

    assert "error" not in said
    path = PATH + said["url"].partition(PATH)[2]
    assert disk.content(path) == song.read_bytes()
    assert disk.facts(path)[0]["filename"] == "night train.flac"
    assert disk.facts(path)[0]["content_type"] == "audio/flac"


def test_files_arrive_over_a_link_that_breaks(script, song, tus, link, disk: Disk):
    link.weather.bytes_per_s = SLOW_BYTES_PER_S
    chance, done = random.Random(11), threading.Event()
    cutting = threading.Thread(target=_cut_now_and_then, args=(link, chance, done))
    cutting.start()
    try:
        with ThreadPoolExecutor(3) as people:
            running = [
                people.submit(upload, script, song, port=link.port, tus=tus) for _ in range(3)
            ]
            said = [each.result() for each in running]
    finally:
        done.set()
        cutting.join()

    assert [each for each in said if "error" in each] == []
    assert sum(each["retries"] for each in said) > 0
    for each in said:
        path = PATH + each["url"].partition(PATH)[2]
        assert disk.content(path) == song.read_bytes()
        assert len(disk.facts(path)) == 1


def _cut_now_and_then(link: Link, chance: random.Random, done: threading.Event) -> None:
    for _ in range(8):
        if done.wait(chance.uniform(0.2, 0.6)):
            return
        link.cut(reset=chance.random() < 0.5)


def test_a_file_arrives_although_the_server_is_killed(script, song, link, live, disk):
    link.weather.bytes_per_s = SLOW_BYTES_PER_S / 2
    with ThreadPoolExecutor(1) as person:
        tus = Tus(port=link.port, account=live.web.register())
        running = person.submit(
            upload, script, song, port=link.port, tus=tus, retryDelays=[300] * 100
        )
        until(lambda: link.carried > 2_000_000)
        live.web.restart(kill=True)
        said = running.result()

    assert "error" not in said
    path = PATH + said["url"].partition(PATH)[2]
    assert disk.content(path) == song.read_bytes()
