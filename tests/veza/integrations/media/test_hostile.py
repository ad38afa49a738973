"""Files made to do harm. Whatever they hold: an answer or a refusal, soon, and nothing fetched."""

import os
import random
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.factories import sound
from tests.factories.sound import FORMS
from tests.faults.rig.sizes import SIZE
from tests.patience import PATIENCE_S
from tests.veza.integrations.media.hostile import SEED, id3_bomb, mutated, webvtt
from veza.integrations.media import CorruptError, MediaInvalidError, NotAudioError, TooLongError
from veza.integrations.media.child import ChildProcessMedia

MUTANTS = {"small": 60, "medium": 300, "large": 2000}[SIZE.name]
SECRET = "canary-content-of-a-file-of-the-host"


@dataclass
class Canary:
    """A port that notes who comes, and a file that nobody may read."""

    url: str
    file: Path
    visits: list[bytes] = field(default_factory=list)


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    secret = tmp_path / "secret.mp3"
    secret.write_bytes(sound.write_tone(tmp_path / "s", sound.MP3).read_bytes() + SECRET.encode())
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = Canary(f"127.0.0.1:{server.getsockname()[1]}", secret)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    link, _ = server.accept()
                    host.visits.append(link.recv(100))
                    link.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield host
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Of work, however many wait for a processor; and nobody sleeps for long."""
    began, worked_s = time.monotonic(), _worked_s()
    yield
    assert _worked_s() - worked_s < seconds
    assert time.monotonic() - began < PATIENCE_S


def _worked_s() -> float:
    """By this process, and by its children that have ended."""
    return sum(os.times()[:4])


def everything(media: ChildProcessMedia, path: Path, folder: Path) -> list[str]:
    """Each job with its outcome: `done`, or the code of the refusal."""
    folder.mkdir()
    jobs: list[Callable[[], object]] = [
        lambda: media.probe(path),
        lambda: media.analyse(path),
        lambda: media.artwork(path),
        lambda: media.preview(path, folder, seconds=2),
    ]
    return [outcome(job) for job in jobs]


def outcome(job: Callable[[], object]) -> str:
    try:
        job()
    except MediaInvalidError as refusal:
        return refusal.code if str(refusal).endswith(".") else "without a sentence"
    return "done"


class TestMutants:
    def test_hundreds_of_them_are_read_or_refused(self, child, canary, tmp_path: Path):
        """Bits flipped, pieces cut out, doubled, zeroed, and the end cut off, by seed."""
        chance = random.Random(SEED)
        originals = [
            sound.write_tone(tmp_path / form.id, form, seconds=1.5).read_bytes() for form in FORMS
        ]
        paths = []
        for number in range(MUTANTS):
            path = tmp_path / f"{number}"
            path.write_bytes(mutated(originals[number % len(originals)], chance))
            paths.append(path)

        def judge(path: Path) -> str:
            folder = path.with_suffix(".hls")
            folder.mkdir()
            jobs = [child.probe, child.analyse, lambda path: child.preview(path, folder)]
            job = jobs[int(path.name) % 3]
            with within(50):  # of both threads
                return outcome(lambda: job(path))

        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(judge, paths))

        # Some say in their damaged heads that they last for days.
        assert set(outcomes) <= {"done", "corrupt", "not_audio", "too_long"}, f"seed {SEED}"
        assert canary.visits == []
        assert outcomes.count("done") > MUTANTS / 5

    @pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
    def test_truncated_at_many_places(self, child, form, tmp_path: Path):
        content = sound.write_tone(tmp_path / "whole", form, seconds=8).read_bytes()
        places = [*range(0, 64, 9), *(len(content) * part // 8 for part in range(1, 8))]
        outcomes = []
        for place in places:
            path = tmp_path / f"{place}"
            path.write_bytes(content[:place])
            outcomes.append(outcome(partial(child.analyse, path)))

        assert set(outcomes[:8]) <= {"corrupt", "not_audio"}
        if form.container not in ("ogg", "aac"):  # which do not say how long they are
            assert set(outcomes[8:]) <= {"corrupt", "not_audio"}


class TestLies:
    def test_wav_of_4_gibibytes(self, child, tmp_path):
        content = bytearray(sound.write_tone(tmp_path / "a").read_bytes())
        place = content.index(b"data") + 4
        content[4:8] = content[place : place + 4] = b"\xff\xff\xff\xff"
        (tmp_path / "a").write_bytes(content)

        assert abs(child.probe(tmp_path / "a").duration_ms - 3000) <= 50
        assert abs(child.analyse(tmp_path / "a").duration_ms - 3000) <= 50

    @pytest.mark.parametrize("size", [0xFFFF_FFF0, 0x7FFF_FFFF, 500_000_000, 10_000_000, 0])
    def test_wav_of_another_length(self, child, size, tmp_path):
        content = bytearray(sound.write_tone(tmp_path / "a").read_bytes())
        place = content.index(b"data") + 4
        content[place : place + 4] = struct.pack("<I", size)
        (tmp_path / "a").write_bytes(content)

        with within(10):
            outcomes = everything(child, tmp_path / "a", tmp_path / "hls")

        assert outcomes[1] in ("done", "corrupt")

    @pytest.mark.parametrize("samples", [2**36 - 1, 2**31, 44_100 * 60])
    def test_flac_of_too_many_samples(self, child, samples, tmp_path):
        content = bytearray(sound.write_tone(tmp_path / "a", sound.FLAC).read_bytes())
        packed = int.from_bytes(content[18:26]) >> 36 << 36 | samples
        content[18:26] = packed.to_bytes(8)
        (tmp_path / "a").write_bytes(content)

        with within(10):
            outcomes = everything(child, tmp_path / "a", tmp_path / "hls")

        assert outcomes[1] in ("corrupt", "too_long")

    @pytest.mark.parametrize("size", [0, 10, 2**28 - 1])
    def test_tag_of_another_size(self, child, size, tmp_path):
        mp3 = sound.write_tone(tmp_path / "a", sound.MP3).read_bytes()
        (tmp_path / "a").write_bytes(sound.with_id3_artwork(mp3, size=size))

        with within(10):
            assert set(everything(child, tmp_path / "a", tmp_path / "hls")) <= {
                "done", "corrupt", "not_audio",
            }  # fmt: skip

    def test_tag_of_a_million_frames(self, child, tmp_path):
        mp3 = sound.write_tone(tmp_path / "a", sound.MP3).read_bytes()
        (tmp_path / "a").write_bytes(id3_bomb(1_000_000) + mp3)

        with within(20):
            assert set(everything(child, tmp_path / "a", tmp_path / "hls")) <= {
                "done", "corrupt", "not_audio",
            }  # fmt: skip

    def test_subtitles_without_end_are_no_audio(self, child, tmp_path):
        (tmp_path / "a.mp3").write_bytes(webvtt(100_000))

        with within(5), pytest.raises(NotAudioError):
            child.probe(tmp_path / "a.mp3")

    def test_picture_of_100_megabytes(self, child, tmp_path):
        mp3 = sound.write_tone(tmp_path / "a", sound.MP3).read_bytes()
        picture = sound.PNG + b"\0" * 100_000_000
        (tmp_path / "a").write_bytes(sound.with_id3_artwork(mp3, picture))

        with within(20):
            assert set(everything(child, tmp_path / "a", tmp_path / "hls")) <= {"done", "corrupt"}

    def test_picture_that_pretends_to_be_an_ocean(self, child, tmp_path):
        """The header of a PNG of 2^31 - 1 pixels square: nobody may begin to paint it."""
        header = struct.pack("!II5B", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
        chunk = b"IHDR" + header
        png = b"\x89PNG\r\n\x1a\n" + struct.pack("!I", 13) + chunk
        png += struct.pack("!I", zlib.crc32(chunk)) + b"\0" * 100
        mp3 = sound.write_tone(tmp_path / "a", sound.MP3).read_bytes()
        (tmp_path / "a").write_bytes(sound.with_id3_artwork(mp3, png))

        with within(10):
            assert child.artwork(tmp_path / "a") == png


class TestEndless:
    def test_hours_of_silence_in_a_small_file_are_too_long(self, child, settings, tmp_path):
        settings.MEDIA_MAX_DURATION_S = 60
        path = sound.write_tone(tmp_path / "a", sound.ADTS, seconds=90)

        with within(20):
            assert everything(child, path, tmp_path / "hls")[1] == "too_long"

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
    def test_devices_are_no_files(self, child, device):
        with within(5), pytest.raises(NotAudioError):
            child.probe(Path(device))

    def test_a_pipe_that_nobody_writes_into_is_no_file(self, child, tmp_path):
        os.mkfifo(tmp_path / "pipe")

        with within(5), pytest.raises(NotAudioError):
            child.analyse(tmp_path / "pipe")

    def test_a_bomb_is_not_unpacked(self, child, tmp_path):
        (tmp_path / "a.mp3").write_bytes(zlib.compress(b"\0" * 200_000_000, 9))

        with within(5), pytest.raises(NotAudioError):
            child.analyse(tmp_path / "a.mp3")

    def test_a_sparse_file_of_gibibytes(self, child, settings, tmp_path):
        settings.MEDIA_MAX_DURATION_S = 600
        content = sound.write_tone(tmp_path / "a", sound.MP3).read_bytes()
        with (tmp_path / "a").open("wb") as file:
            file.write(content)
            file.truncate(3 * 1024**3)

        with within(60), pytest.raises((TooLongError, CorruptError)):
            child.analyse(tmp_path / "a")


def playlists(canary: Canary) -> dict[str, bytes]:
    """Texts that name other files, as FFmpeg understands them."""
    web, disk = f"http://{canary.url}/a.mp3", canary.file
    hls = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n{}#EXTINF:10.0,\n{}\n#EXT-X-ENDLIST\n"
    texts = {
        "hls-http": hls.format("", web),
        "hls-tcp": hls.format("", f"tcp://{canary.url}"),
        "hls-file": hls.format("", f"file://{disk}"),
        "hls-plain": hls.format("", disk),
        "hls-concat": hls.format("", f"concat:{disk}|{web}"),
        "hls-subfile": hls.format("", f"subfile,,start,0,end,100,,:{disk}"),
        "hls-key": hls.format(f'#EXT-X-KEY:METHOD=AES-128,URI="{web}"\n', disk),
        "hls-map": hls.format(f'#EXT-X-MAP:URI="{web}"\n', disk),
        "concat-http": f"ffconcat version 1.0\nfile {web}\n",
        "concat-file": f"ffconcat version 1.0\nfile {disk}\n",
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{web}"/></svg>',
        "sdp": f"v=0\no=- 0 0 IN IP4 {canary.url}\nm=audio 9 RTP/AVP 14\n",
        "dash": f'<?xml version="1.0"?><MPD><BaseURL>{web}</BaseURL></MPD>',
        "xspf": f"<playlist><track><location>{web}</location></track></playlist>",
    }
    return {name: text.encode() for name, text in texts.items()}


class TestFetching:
    def test_no_playlist_is_followed_whatever_stands_before_it(self, child, canary, tmp_path):
        before = [
            b"", b"\xef\xbb\xbf", b"ID3\4\0\0\0\0\0\0", b"RIFF\x24\0\0\0WAVE", b"OggS", b"fLaC",
            b"\xff\xfb\x90\x00", b"\0\0\0\x18ftypM4A ", b"\xff\xf1\x50\x80",
        ]  # fmt: skip
        number = 0
        for name, text in playlists(canary).items():
            for start in before if name in ("hls-http", "concat-file") else before[:1]:
                number += 1
                path = tmp_path / f"{number}.mp3"
                path.write_bytes(start + text)
                folder = tmp_path / f"{number}.hls"
                folder.mkdir()
                jobs = (partial(child.probe, path), partial(child.preview, path, folder))
                outcomes = [outcome(job) for job in jobs]
                assert set(outcomes) <= {"not_audio", "corrupt"}, (name, start, outcomes)
                assert list(folder.iterdir()) == []

        assert canary.visits == []

    def test_an_mp4_that_keeps_its_sound_elsewhere_is_not_followed(self, child, canary, tmp_path):
        """ISO/IEC 14496-12, 8.7.2: a data reference may be an address."""
        content = sound.write_tone(tmp_path / "a.m4a", sound.M4A).read_bytes()
        own = struct.pack("!I", 12) + b"url \0\0\0\1"
        assert own in content
        for place in (f"http://{canary.url}/", f"file://{canary.file}", str(canary.file)):
            address = place.encode() + b"\0"
            other = struct.pack("!I", 12 + len(address)) + b"url \0\0\0\0" + address
            (tmp_path / "b.m4a").write_bytes(grown(content, own, other))
            with suppress(MediaInvalidError):
                child.analyse(tmp_path / "b.m4a")

        assert canary.visits == []


def grown(content: bytes, old: bytes, new: bytes) -> bytes:
    """The file with a longer box, and with the sizes of those around it set right."""
    at, more = content.index(old), len(new) - len(old)
    changed = bytearray(content[:at] + new + content[at + len(old) :])
    for name in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = changed.rindex(name, 0, at) - 4
        size = int.from_bytes(changed[place : place + 4]) + more
        changed[place : place + 4] = struct.pack("!I", size)
    return bytes(changed)
