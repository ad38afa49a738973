"""P25: what is infected is rejected, lies in quarantine, and is served at no moment, by no address.

Through the real API, relay, broker, worker, clamd and storage; the scanner takes 8 MB of a file.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from deploy.services.clamav_testfiles import PROGRAM
from tests.apps.track.seeking import leaks, seeking
from tests.apps.track.studio import TRACKS, Studio, studio
from tests.factories import infected
from tests.factories.sounds import EICAR, wav

pytestmark = [pytest.mark.needs_clamd, pytest.mark.needs_rabbitmq]

LARGEST = 8 * 1024**2
LINE = "Test-Program"
_QUARANTINED = (
    "SELECT v.source_key, s.code, s.detail FROM track_trackversion v"
    " JOIN track_stepentry s ON s.version_id = v.id AND s.step = 'scan'"
    " WHERE v.track_id = %s ORDER BY v.n DESC LIMIT 1"
)
_TOLD = " UNION ALL ".join(
    f"SELECT payload->>'code', rooms FROM {table}"  # noqa: S608
    " WHERE type = 'track.rejected' AND aggregateid = %s"
    for table in ("events_log", "events_outbox")
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("studio"), hashes=_hashes(), largest="8M") as house:
        yield house


def _hashes() -> str:
    """What clamd knows of ClamAV's test files: the program in them, by its MD5."""
    folder = os.environ.get("CLAMAV_TESTFILES")
    if not folder:
        return ""
    content = (Path(folder) / PROGRAM).read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return f"{md5}:{len(content)}:{LINE}\n"


def judged(house: Studio, content: bytes, name: str = "song.wav") -> str:
    """The id of a track of this file, which was looked for everywhere until there was a verdict
    and was found nowhere; the verdict is `infected`, and all who should know of it do.
    """
    track_id = house.send(content, name)
    with seeking(house, track_id) as seeker:
        said = house.verdict(track_id)
    assert (said["status"], said["error"]["code"]) == ("rejected", "infected"), said
    assert said["error"]["detail"] == "The file holds malware."
    assert seeker.rounds > 0
    assert seeker.found == []
    assert_is_quarantined(house, track_id, content)
    assert_is_told(house, track_id)
    return track_id


def assert_is_quarantined(house: Studio, track_id: str, content: bytes) -> None:
    """The one copy there is; operators read what was found in it."""
    key, code, found = house.live.query(_QUARANTINED, track_id)[0]
    storage = house.live.folder / "storage"
    assert key.startswith("quarantine/")
    assert (code, bool(found)) == ("infected", True)
    files = (path for path in storage.rglob("*") if path.is_file())
    same = [path for path in files if path.stat().st_size == len(content)]
    assert [path for path in same if path.read_bytes() == content] == [storage / key]
    assert found in house.worker.log.read_text()
    (storage / key).unlink()  # the next one may hold the same bytes


def assert_is_told(house: Studio, track_id: str) -> None:
    """Its owner, wherever he is connected, once."""
    told = house.live.query(_TOLD, track_id, track_id)
    assert [code for code, _ in told] == ["infected"]
    assert f"user:{house.account.id}" in told[0][1]


class TestInfected:
    @pytest.mark.parametrize("name", [*infected.plain(), *infected.packed()])
    def test_files_are_rejected_and_nowhere_served(self, house: Studio, name: str) -> None:
        judged(house, (infected.plain() | infected.packed())[name])

    def test_songs_with_it_in_tags_and_pictures_are_rejected(self, house: Studio, tmp_path) -> None:
        songs = infected.tagged(tmp_path)
        for name, content in songs.items():
            assert EICAR in content or name.startswith("zipped"), name
            judged(house, content, f"{name}.mp3")

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
        assert_is_quarantined(house, answer.json()["id"], EICAR)

    def test_a_version_leaves_what_is_heard_as_it_was(self, house: Studio) -> None:
        track_id = house.send(wav(1.0))
        assert house.verdict(track_id)["status"] == "ready"
        stream = f"{house.live.web.base_url}{TRACKS}/{track_id}/stream/master.m3u8"
        before = httpx.get(stream).content

        path = house.tus.create(len(EICAR), body=b"")
        assert house.tus.patch(path, 0, EICAR).status == 204
        body = {"upload_id": path.rpartition("/")[2]}
        assert house.call("POST", f"{TRACKS}/{track_id}/versions", json=body).status_code == 202

        assert house.newest(track_id)["status"] == "rejected"
        assert house.call("GET", f"{TRACKS}/{track_id}").json()["status"] == "ready"
        assert httpx.get(stream).content == before
        assert_is_quarantined(house, track_id, EICAR)


class TestLimits:
    """`StreamMaxLength` of clamd, with the test file behind everything else."""

    def test_a_file_just_below_is_scanned_to_its_end(self, house: Studio) -> None:
        judged(house, large(LARGEST))

    @pytest.mark.parametrize("size", [LARGEST + 1, 3 * LARGEST])
    def test_a_file_above_is_not_served_and_its_owner_reads_why(
        self, house: Studio, size: int
    ) -> None:
        track_id = house.send(large(size))
        with seeking(house, track_id) as seeker:
            said = house.verdict(track_id)

        assert (said["status"], said["error"]["code"]) == ("failed", "antivirus_limit")
        detail = "The file is larger than the antivirus is set up to scan."
        assert said["error"]["detail"] == detail
        assert seeker.found == []

    def test_archives_deeper_than_it_looks_are_not_served(self, house: Studio) -> None:
        track_id = house.send(infected.zipped(depth=40))

        assert house.verdict(track_id)["error"]["code"] in ("antivirus_limit", "infected")
        assert leaks(house, track_id) == []


def large(size: int) -> bytes:
    """A song of this many bytes, the last of which are the test file."""
    song = wav(1.0)
    return song + bytes(size - len(song) - len(EICAR)) + EICAR


@pytest.mark.needs_clamav_testfiles
def test_every_file_that_clamav_tests_itself_with_is_rejected(house: Studio) -> None:
    """What this build of clamd cannot unpack is at least no audio, and is served as little."""
    files = sorted(Path(os.environ["CLAMAV_TESTFILES"]).iterdir())
    assert len(files) > 30

    def code(path: Path) -> str:
        track_id = house.send(path.read_bytes(), "song.mp3")
        with seeking(house, track_id) as seeker:
            said = house.verdict(track_id)
        assert seeker.found == [], path.name
        assert said["status"] == "rejected", (path.name, said)
        return str(said["error"]["code"])

    with ThreadPoolExecutor(4) as people:
        codes = dict(zip((path.name for path in files), people.map(code, files), strict=True))

    assert set(codes.values()) <= {"infected", "not_audio"}
    assert codes[PROGRAM] == "infected"
    assert list(codes.values()).count("infected") > len(codes) / 2, codes
