"""P25, P26: nothing unscanned is heard, and no file harms who makes tracks of it.

Through the real API, relay, broker, worker, clamd and storage.
"""

import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.apps.track.seeking import leaks
from tests.apps.track.studio import WORKERS, Studio, studio
from tests.factories import sound
from tests.factories.sound import FORMS
from tests.factories.sounds import EICAR, wav
from tests.faults.rig.sizes import SIZE
from tests.veza.asgi.wire import until
from tests.veza.integrations.media.hostile import SEED, mutated
from veza.kit.models import new_id

pytestmark = [pytest.mark.needs_clamd, pytest.mark.needs_rabbitmq]

MUTANTS = {"small": 8, "medium": 300, "large": 2000}[SIZE.name]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("studio")) as house:
        yield house


class TestScanner:
    def wait_until_refused(self, house: Studio, track_ids: list[str]) -> None:
        """A worker has tried each, and found no scanner."""
        waits = (
            "SELECT count(DISTINCT v.track_id) FROM track_stepentry s JOIN track_trackversion v"
            " ON v.id = s.version_id WHERE s.result = 'waits' AND v.track_id::text = ANY(%s)"
        )
        until(lambda: house.live.query(waits, track_ids)[0][0] == len(track_ids), timeout_s=30)

    @pytest.mark.parametrize("fault", ["stopped", "hung", "killed while it reads"])
    def test_that_is_away_is_waited_for(self, house: Studio, fault: str) -> None:
        if fault == "stopped":
            house.scanner.kill()
        else:
            house.scanner.signal(signal.SIGSTOP)
        good, bad = house.send(wav(1.0)), house.send(EICAR)
        if fault == "killed while it reads":
            self.wait_until_taken(house)
            house.scanner.kill()
        try:
            self.wait_until_refused(house, [good, bad])
            assert [house.status(each)["status"] for each in (good, bad)] == ["processing"] * 2
            assert leaks(house, good) == leaks(house, bad) == []
        finally:
            if fault == "hung":
                house.scanner.signal(signal.SIGCONT)
            else:
                house.scanner.start()

        assert house.verdict(good)["status"] == "ready"
        assert house.verdict(bad)["error"]["code"] == "infected"

    def wait_until_taken(self, house: Studio) -> None:
        """A worker has a connection to it."""
        mark = f":{house.scanner.port:04X} "

        def is_taken() -> bool:
            lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
            return any(mark in f"{line.split()[2]} " for line in lines if line.split()[3] == "01")

        until(is_taken, timeout_s=20)


class TestHostileFiles:
    def test_each_gets_a_verdict_and_the_worker_lives(self, house: Studio, tmp_path: Path) -> None:
        chance = random.Random(SEED)
        originals = [
            sound.write_tone(tmp_path / form.id, form, seconds=1.0).read_bytes() for form in FORMS
        ]
        files = [mutated(originals[each % len(originals)], chance) for each in range(MUTANTS)]
        files = [content or b"\0" for content in files]
        until(lambda: len(house.children()) == WORKERS)
        before = house.children()
        with ThreadPoolExecutor(2) as people:
            said = list(people.map(lambda each: judged(house, each), files))

        assert {each["status"] for each in said} <= {"ready", "rejected"}, f"seed {SEED}"
        for each in said:
            if each["status"] == "rejected":
                assert each["error"]["code"] in ("corrupt", "not_audio", "too_long")
                assert each["error"]["detail"].endswith(".")
        assert house.children() == before, "a worker has died"
        assert house.verdict(house.send(wav(1.0)))["status"] == "ready"

    def test_a_version_whose_worker_is_killed_is_made_by_another(self, house: Studio) -> None:
        house.scanner.signal(signal.SIGSTOP)
        track_id = house.send(wav(1.0))
        TestScanner().wait_until_taken(house)
        for pid in house.children():
            os.kill(pid, signal.SIGKILL)
        house.scanner.signal(signal.SIGCONT)

        assert house.verdict(track_id)["status"] == "ready"


def judged(house: Studio, content: bytes) -> dict[str, Any]:
    return house.verdict(house.send(content, f"{new_id()}.mp3"))
