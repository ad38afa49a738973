"""P25, P26: nothing unscanned or infected is heard, and no file harms who makes tracks of it.

Through the real API, relay, broker, worker, clamd and storage.
"""

import io
import os
import random
import re
import signal
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.apps.track.studio import TRACKS, Studio, studio
from tests.factories import sound
from tests.factories.sound import FORMS
from tests.factories.sounds import EICAR, wav
from tests.faults.rig.sizes import SIZE
from tests.veza.asgi.wire import until
from tests.veza.integrations.media.hostile import SEED, mutated
from veza.kit.models import new_id

pytestmark = [pytest.mark.needs_clamd, pytest.mark.needs_rabbitmq]

MUTANTS = {"small": 8, "medium": 300, "large": 2000}[SIZE.name]
NAMES = (
    "master.m3u8", "128/index.m3u8", "64/init.mp4", "256/00000.m4s", "source", "../source",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("studio")) as house:
        yield house


def zipped(*, depth: int) -> bytes:
    """The test file in an archive, which lies in an archive."""
    content = EICAR
    for _ in range(depth):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("song.wav", content)
        content = file.getvalue()
    return content


def addresses(house: Studio, track_id: str) -> list[str]:
    """Every address at which something of a track could be had."""
    with httpx.Client(base_url=house.live.web.base_url, headers=house.account.headers) as client:
        shown = client.get(f"{TRACKS}/{track_id}").json()
    told = [value for value in shown.values() if isinstance(value, str) and "/api/" in value]
    paths = [f"{TRACKS}/{track_id}/{part}" for part in ("download", "waveform", "artwork")]
    return told + paths + [f"{TRACKS}/{track_id}/stream/{name}" for name in NAMES]


def leaks(house: Studio, track_id: str) -> list[str]:
    """Where, and to whom, something of the file is answered."""
    found = []
    for address in addresses(house, track_id):
        for headers in ({}, house.account.headers):
            path = re.sub(r"^https?://[^/]+", "", address)
            answer = httpx.get(
                f"{house.live.web.base_url}{path}", headers=headers, follow_redirects=True,
            )  # fmt: skip
            if answer.status_code < 400 or EICAR[:20] in answer.content:
                found.append(f"{answer.status_code} {path}")
    return found


class TestInfected:
    @pytest.mark.parametrize(
        "content",
        [EICAR, EICAR + b"\n", zipped(depth=1), zipped(depth=3)],
        ids=["plain", "with a line's end", "zipped", "zipped three times"],
    )
    def test_files_are_rejected_and_nowhere_served(self, house: Studio, content: bytes) -> None:
        track_id = house.send(content)
        said = house.verdict(track_id)

        assert (said["status"], said["error"]["code"]) == ("rejected", "infected")
        assert said["error"]["detail"] == "The file holds malware."
        assert leaks(house, track_id) == []

    def test_files_that_come_in_pieces_are_rejected(self, house: Studio) -> None:
        """Each piece is harmless; the borders lie within the signature."""
        path = house.tus.create(len(EICAR))
        for start in range(0, len(EICAR), 7):
            assert house.tus.patch(path, start, EICAR[start : start + 7]).status == 204
        answer = house.call("POST", TRACKS, json={"upload_id": path.rpartition("/")[2]})
        said = house.verdict(answer.json()["id"])

        assert said["error"]["code"] == "infected"
        assert leaks(house, answer.json()["id"]) == []
        assert httpx.get(f"{house.live.web.base_url}{path}").status_code in (401, 404, 405)


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
        before = house.children()
        with ThreadPoolExecutor(2) as people:
            said = list(people.map(lambda each: judged(house, each), files))

        assert {each["status"] for each in said} <= {"ready", "rejected"}, f"seed {SEED}"
        for each in said:
            if each["status"] == "rejected":
                assert each["error"]["code"] in ("corrupt", "not_audio")
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
