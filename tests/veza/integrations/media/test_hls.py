"""What is written for players, read again: by every adapter of the port."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from tests.factories import sound
from tests.factories.sound import FORMS, Form
from veza.integrations.media import CorruptError, Media, NotAudioError
from veza.integrations.media.port import Stream

every_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
VARIANT = re.compile(
    r"#EXT-X-STREAM-INF:BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),CODECS=\"mp4a\.40\.2\"\n"
    r"(\d+)/index\.m3u8\n"
)
MEDIA_PLAYLIST = re.compile(
    r"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:6\n"
    r"#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"init\.mp4\"\n"
    r"(?:#EXTINF:\d+\.\d{6},\n\d{5}\.m4s\n)+#EXT-X-ENDLIST\n"
)
SEGMENT = re.compile(r"#EXTINF:([0-9.]+),\n(\S+)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "hls"
    folder.mkdir()
    return folder


def unheard(fraction: float) -> None:
    pass


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def boxes(content: bytes) -> list[str]:
    found = []
    while content:
        found.append(content[4:8].decode())
        content = content[int.from_bytes(content[:4]) :]
    return found


class TestTranscoding:
    @every_form
    def test_keeps_length_and_sound(self, media: Media, form: Form, tmp_path, folder):
        path = sound.write_tone(tmp_path / "song", form, seconds=7)
        decoded, source_rate = sound.read(path)  # ADTS cannot say that its ends are padding
        seconds = decoded.shape[1] / source_rate

        stream = media.transcode_hls(path, folder, unheard)

        assert stream.duration_ms == pytest.approx(seconds * 1000, abs=50)
        for rendition in stream.renditions:
            samples, rate = sound.read(folder / rendition.playlist)
            assert rate == (48_000 if form.rate == 48_000 else 44_100)
            assert samples.shape[1] / rate == pytest.approx(seconds, abs=0.05)
            assert rendition.duration_ms == pytest.approx(seconds * 1000, abs=50)
            assert sound.loudest_hertz(samples, rate) == pytest.approx(1000, abs=0.5)
            assert np.abs(samples[:, rate:-rate]).max() == pytest.approx(0.5, abs=0.1)

    def test_begins_without_a_gap(self, media: Media, tmp_path, folder):
        """The encoder's delay of 1,024 samples stands in the edit list of the first segment."""
        mono = np.hstack([sound.tone(seconds=1, level=0.8), np.zeros(5 * sound.RATE)])
        stream = media.transcode_hls(sound.write(tmp_path / "a", mono), folder, unheard)

        for rendition in stream.renditions:
            samples, _ = sound.read(folder / rendition.playlist)
            assert np.argmax(np.abs(samples[0]) > 0.2) < 20
            init = (folder / rendition.playlist).with_name("init.mp4").read_bytes()
            edits = init[init.index(b"elst") + 4 :]
            assert int.from_bytes(edits[12:16]) == 1024

    def test_writes_playlists_as_rfc_8216_has_them(self, media: Media, tmp_path, folder):
        path = sound.write_tone(tmp_path / "a.wav", seconds=20)

        stream = media.transcode_hls(path, folder, unheard)

        master = (folder / stream.master).read_text()
        assert master.startswith(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STR"
        )
        assert [name for _, _, name in VARIANT.findall(master)] == ["64", "128", "256"]
        for rendition in stream.renditions:
            text = (folder / rendition.playlist).read_text()
            assert MEDIA_PLAYLIST.fullmatch(text)
            lengths = [float(length) for length, _ in SEGMENT.findall(text)]
            assert all(abs(length - 6) < 0.03 for length in lengths[:-1])
            assert len(lengths) == rendition.segments == 4

    def test_tells_bandwidths_that_hold(self, media: Media, tmp_path, folder):
        noise = np.random.default_rng(3).normal(0, 0.2, (2, 20 * sound.RATE))
        quiet = np.zeros((2, 10 * sound.RATE))
        path = sound.write(tmp_path / "a", np.hstack([quiet, noise, quiet]))

        stream = media.transcode_hls(path, folder, unheard)

        said = VARIANT.findall((folder / stream.master).read_text())
        for rendition, (peak, average, _) in zip(stream.renditions, said, strict=True):
            playlist = folder / rendition.playlist
            segments = [
                (playlist.with_name(name).stat().st_size * 8, float(length))
                for length, name in SEGMENT.findall(playlist.read_text())
            ]
            assert max(bits / length for bits, length in segments) <= int(peak)
            total = sum(bits for bits, _ in segments) / sum(length for _, length in segments)
            assert int(average) == pytest.approx(total, abs=1)
            assert (rendition.bandwidth, rendition.average_bandwidth) == (int(peak), int(average))
            assert 0.9 * rendition.bit_rate < int(peak) < 1.35 * rendition.bit_rate

    def test_tells_facts_of_what_it_wrote(self, media: Media, tmp_path, folder):
        stream = media.transcode_hls(sound.write_tone(tmp_path / "a"), folder, unheard)

        assert [each.bit_rate for each in stream.renditions] == [64_000, 128_000, 256_000]
        assert list(stream.files) == files_in(folder)
        for rendition in stream.renditions:
            playlist = folder / rendition.playlist
            digest = hashlib.sha256(playlist.read_bytes()).hexdigest()
            assert rendition.playlist_sha256 == digest
            sizes = [each.stat().st_size for each in playlist.parent.glob("*.m*4*")]
            assert rendition.size_bytes == sum(sizes)

    def test_tells_progress_that_never_falls(self, media: Media, tmp_path, folder):
        told: list[float] = []

        media.transcode_hls(sound.write_tone(tmp_path / "a", seconds=30), folder, told.append)

        assert told == sorted(told)
        assert len(told) > 2
        assert 0 <= told[0] < 0.5
        assert told[-1] == 1.0

    @pytest.mark.parametrize("form", [sound.FLAC, sound.MP3, sound.M4A, sound.OPUS])
    def test_tells_nothing_of_who_made_it(self, media: Media, form, tmp_path, folder):
        tags = {"title": "canary-title", "comment": "canary-private", "encoder": "canary-tool"}
        path = sound.write_tone(tmp_path / "canary-name", form, tags=tags)
        path.write_bytes(path.read_bytes() + b"canary-tail")

        media.transcode_hls(path, folder, unheard)

        for name in files_in(folder):
            content = (folder / name).read_bytes()
            assert not re.search(rb"canary|Lav[fc]|/tmp|udta", content), name
        assert boxes((folder / "64/init.mp4").read_bytes()) == ["ftyp", "moov"]

    @pytest.mark.parametrize(
        "form",
        [(8000, 1, 48_000), (11_025, 2, 44_100), (32_000, 2, 44_100), (96_000, 2, 48_000),
         (88_200, 1, 44_100), (48_000, 6, 48_000), (192_000, 8, 48_000)],
    )  # fmt: skip
    def test_takes_any_rate_and_number_of_channels(self, media: Media, form, tmp_path, folder):
        rate, channels, written = form
        samples = np.vstack([sound.tone(seconds=3, rate=rate, level=0.1)] * channels)
        path = sound.write(tmp_path / "a", samples, sound.FLAC, rate=rate)

        stream = media.transcode_hls(path, folder, unheard)

        samples, found = sound.read(folder / stream.renditions[2].playlist)
        assert (found, len(samples)) == (written, min(channels, 2))
        assert abs(samples.shape[1] / found - 3) < 0.05
        assert sound.loudest_hertz(samples, found) == pytest.approx(1000, abs=0.5)

    @pytest.mark.parametrize("seconds", [0.001, 0.05, 6.0, 6.01])
    def test_takes_any_length(self, media: Media, seconds, tmp_path, folder):
        path = sound.write_tone(tmp_path / "a", seconds=seconds)

        stream = media.transcode_hls(path, folder, unheard)

        assert stream.renditions[0].segments == (1 if seconds < 6 else 2)
        assert sound.read(folder / stream.renditions[0].playlist)[0].shape[1] > 0

    def test_goes_on_where_the_sound_changes_its_form(self, media: Media, tmp_path, folder):
        one = sound.write_tone(tmp_path / "one", sound.MP3, seconds=4).read_bytes()
        other = sound.write(tmp_path / "two", sound.tone(rate=22_050), sound.MP3, rate=22_050)
        (tmp_path / "both").write_bytes(one + other.read_bytes())

        stream = media.transcode_hls(tmp_path / "both", folder, unheard)

        assert 6500 < stream.duration_ms < 7500

    @pytest.mark.parametrize("content", [b"no audio", b"fLaC" + b"\0" * 1000])
    def test_leaves_nothing_behind_when_it_fails(self, media: Media, content, tmp_path, folder):
        (tmp_path / "a").write_bytes(content)

        with pytest.raises((NotAudioError, CorruptError)):
            media.transcode_hls(tmp_path / "a", folder, unheard)

        assert list(folder.iterdir()) == []

    def test_leaves_nothing_behind_when_the_end_is_missing(self, media: Media, tmp_path, folder):
        path = sound.write_tone(tmp_path / "a", sound.FLAC, seconds=60)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

        with pytest.raises(CorruptError):
            media.transcode_hls(path, folder, unheard)

        assert list(folder.iterdir()) == []


class TestPreview:
    def test_is_the_beginning_in_one_rendition(self, media: Media, tmp_path, folder):
        stream = media.preview(sound.write_tone(tmp_path / "a", seconds=45), folder)

        assert [each.playlist for each in stream.renditions] == ["128/index.m3u8"]
        samples, rate = sound.read(folder / stream.renditions[0].playlist)
        assert samples.shape[1] / rate == pytest.approx(30, abs=0.05)
        assert stream.duration_ms == pytest.approx(30_000, abs=50)

    def test_of_a_short_file_is_all_of_it(self, media: Media, tmp_path, folder):
        stream = media.preview(sound.write_tone(tmp_path / "a", seconds=4), folder, seconds=10)

        assert_length(stream, folder, seconds=4)

    @pytest.mark.parametrize(("seconds", "form"), [(1, sound.FLAC), (7, sound.MP3)])
    def test_may_have_another_length(self, media: Media, seconds, form, tmp_path, folder):
        path = sound.write_tone(tmp_path / "a", form, seconds=20)

        assert_length(media.preview(path, folder, seconds=seconds), folder, seconds=seconds)


def assert_length(stream: Stream, folder: Path, *, seconds: float) -> None:
    samples, rate = sound.read(folder / stream.renditions[0].playlist)
    assert samples.shape[1] / rate == pytest.approx(seconds, abs=0.05)
