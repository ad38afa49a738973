"""What is read and measured, by every adapter of the port."""

from pathlib import Path

import numpy as np
import pytest

from tests.factories import sound
from tests.factories.sound import FORMS, Form
from veza.integrations.media import Media, NotAudioError, TooLongError

TAGS = {"title": "Dawn", "artist": "Ada", "album": "Light", "genre": "Ambient"}
every_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])


class TestProbe:
    @every_form
    def test_tells_what_the_file_is_whatever_its_name(self, media: Media, form: Form, tmp_path):
        path = sound.write_tone(tmp_path / "song.txt", form, tags=TAGS)

        probe = media.probe(path)

        assert (probe.container, probe.codec) == (form.container, form.codec)
        assert (probe.sample_rate_hz, probe.channels) == (form.rate, 2)
        assert abs(probe.duration_ms - 3000) <= 50
        assert abs(probe.bit_rate - path.stat().st_size * 8 / 3) / probe.bit_rate < 0.15
        assert not probe.has_artwork

    @every_form
    def test_reads_tags(self, media: Media, form: Form, tmp_path):
        probe = media.probe(sound.write_tone(tmp_path / "song", form, tags=TAGS))

        known = {name: value for name, value in probe.tags.items() if name in TAGS}
        if form.container in ("wav", "aiff"):  # which have fewer of them
            assert known["title"] == "Dawn"
        else:
            assert known == (TAGS if form.has_tags else {})

    def test_leaves_out_tags_that_nobody_asked_for(self, media: Media, tmp_path):
        tags = {"title": "Da\x07wn\n" + "x" * 1000, "comment": "private", "encoder": "secret"}

        found = media.probe(sound.write_tone(tmp_path / "song", sound.FLAC, tags=tags)).tags

        assert set(found) == {"title"}
        assert found["title"].startswith("Da wn xxx")
        assert len(found["title"]) == 500

    @pytest.mark.parametrize("channels", [1, 2, 6])
    def test_counts_channels(self, media: Media, channels, tmp_path):
        samples = np.vstack([sound.tone()] * channels)

        assert media.probe(sound.write(tmp_path / "song", samples)).channels == channels

    @pytest.mark.parametrize(
        "content",
        [
            b"", b"x", b"ID3", b"RIFF", b"\xff\xfb", b"a song" * 1000, b"\0" * 100_000,
            b"RIFF\x24\0\0\0AVI LIST", b"GIF89a" + b"\0" * 100, b"%PDF-1.7\n", b"\x7fELF\2\1\1",
            b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile x\n",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"PK\3\4" + b"\0" * 100,
            b"\x1f\x8b\x08" + b"\0" * 100, b"ID3\4\0\0\0\0\0\0#EXTM3U\n",
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_audio(self, media: Media, content: bytes, tmp_path: Path):
        path = tmp_path / "song.mp3"
        path.write_bytes(content)

        with pytest.raises(NotAudioError):
            media.probe(path)

    def test_refuses_what_lasts_too_long(self, media: Media, settings, tmp_path):
        settings.MEDIA_MAX_DURATION_S = 2

        with pytest.raises(TooLongError):
            media.probe(sound.write_tone(tmp_path / "song", sound.FLAC))


class TestArtwork:
    def test_is_the_picture_as_it_stands_in_the_file(self, media: Media, tmp_path):
        mp3 = sound.write_tone(tmp_path / "a.mp3", sound.MP3).read_bytes()
        flac = sound.write_tone(tmp_path / "a.flac", sound.FLAC).read_bytes()
        (tmp_path / "a.mp3").write_bytes(sound.with_id3_artwork(mp3))
        (tmp_path / "a.flac").write_bytes(sound.with_flac_artwork(flac))
        sound.write_tone(tmp_path / "a.opus", sound.OPUS, tags=sound.ogg_artwork())

        for name in ("a.mp3", "a.flac", "a.opus"):
            assert media.artwork(tmp_path / name) == sound.PNG, name
            assert media.probe(tmp_path / name).has_artwork
            assert abs(media.probe(tmp_path / name).duration_ms - 3000) < 50

    def test_is_none_where_there_is_none(self, media: Media, tmp_path):
        assert media.artwork(sound.write_tone(tmp_path / "a.mp3", sound.MP3)) is None

    def test_that_is_no_picture_is_left_out(self, media: Media, tmp_path):
        mp3 = sound.write_tone(tmp_path / "a.mp3", sound.MP3).read_bytes()
        (tmp_path / "a.mp3").write_bytes(sound.with_id3_artwork(mp3, b"<svg onload='alert(1)'/>"))

        assert media.artwork(tmp_path / "a.mp3") is None


class TestAnalysis:
    @every_form
    def test_measures_loudness_and_length(self, media: Media, form: Form, tmp_path):
        analysis = media.analyse(sound.write_tone(tmp_path / "song", form, seconds=5))

        # BS.1770-4: a 997 Hz sine of 0 dBFS in two channels reads 0 LUFS; ours has -6.02.
        assert analysis.loudness_lufs == pytest.approx(-6.0, abs=0.6)
        assert analysis.true_peak_dbtp == pytest.approx(-6.0, abs=1.0)
        assert abs(analysis.duration_ms - 5000) <= 50

    def test_reads_the_reference_level_of_tech_3341(self, media: Media, tmp_path):
        """EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS reads -23.0 LUFS +- 0.1."""
        mono = sound.tone(seconds=20, rate=48_000, level=10 ** (-23 / 20))
        path = sound.write(tmp_path / "a.flac", np.vstack([mono, mono]), sound.FLAC, rate=48_000)

        analysis = media.analyse(path)

        assert analysis.loudness_lufs == pytest.approx(-23.0, abs=0.1)
        assert analysis.true_peak_dbtp == pytest.approx(-23.0, abs=0.1)

    def test_finds_peaks_between_samples(self, media: Media, tmp_path):
        """A sine of a quarter of the rate, sampled 45 degrees off its tops: 3 dB hide."""
        time = np.arange(48_000 * 3)
        mono = (0.5 * np.sin(np.pi / 2 * time + np.pi / 4)).astype(np.float32)
        mono[:4800] *= np.linspace(0, 1, 4800, dtype=np.float32)
        mono[-4800:] *= np.linspace(1, 0, 4800, dtype=np.float32)

        analysis = media.analyse(sound.write(tmp_path / "a.wav", mono, rate=48_000))

        assert np.abs(mono).max() < 0.36
        assert analysis.true_peak_dbtp == pytest.approx(-6.02, abs=0.1)

    @pytest.mark.parametrize("seconds", [0.01, 1, 5])
    def test_silence_has_neither_loudness_nor_tempo_nor_key(self, media: Media, seconds, tmp_path):
        silence = np.zeros(round(seconds * sound.RATE), np.float32)

        analysis = media.analyse(sound.write(tmp_path / "a.wav", silence))

        assert (analysis.loudness_lufs, analysis.true_peak_dbtp) == (None, None)
        assert (analysis.tempo, analysis.key) == (None, None)
        assert set(analysis.waveform["data"]) == {0}


class TestWaveform:
    @pytest.mark.parametrize("seconds", [0.2, 3, 61.7, 200])
    def test_has_about_1800_points_that_cover_all_of_it(self, media: Media, seconds, tmp_path):
        path = sound.write_tone(tmp_path / "a.wav", seconds=seconds, rate=8000)

        waveform = media.analyse(path).waveform

        points, samples = waveform["length"], round(seconds * 8000)
        assert {name: waveform[name] for name in waveform if name not in ("data", "length")} == {
            "version": 2,
            "channels": 1,
            "sample_rate": 8000,
            "samples_per_pixel": waveform["samples_per_pixel"],
            "bits": 8,
        }
        assert len(waveform["data"]) == 2 * points
        assert 1600 <= points <= 2000 or points == samples
        assert (points - 1) * waveform["samples_per_pixel"] < samples
        assert points * waveform["samples_per_pixel"] >= samples
        assert all(-128 <= each <= 127 for each in waveform["data"])

    def test_shows_where_it_is_loud(self, media: Media, tmp_path):
        quiet, loud = sound.tone(seconds=10, level=0.1), sound.tone(seconds=10, level=1.0)

        waveform = media.analyse(sound.write(tmp_path / "a", np.hstack([quiet, loud]))).waveform

        pairs = np.array(waveform["data"]).reshape(-1, 2)
        half = round(10 * sound.RATE / waveform["samples_per_pixel"])
        assert set(pairs[: half - 1, 1]) == {13}
        assert set(pairs[: half - 1, 0]) == {-13}
        assert set(pairs[half + 1 : -1, 1]) == {127}
        assert (pairs[:, 0] <= pairs[:, 1]).all()

    def test_keeps_a_single_click(self, media: Media, tmp_path):
        samples = np.zeros(90 * sound.RATE, np.float32)
        samples[1_234_567] = 1.0

        waveform = media.analyse(sound.write(tmp_path / "a", samples)).waveform

        tops = np.array(waveform["data"][1::2])
        assert list(np.nonzero(tops)[0]) == [1_234_567 // waveform["samples_per_pixel"]]


class TestEstimates:
    @pytest.mark.parametrize("bpm", [70, 90, 100, 120, 128.5, 140, 174])
    def test_tempo_of_a_metronome(self, media: Media, bpm, tmp_path):
        tempo = media.analyse(sound.write(tmp_path / "a", sound.clicks(bpm, 30))).tempo

        assert tempo
        assert tempo.bpm == pytest.approx(bpm, abs=0.5)
        assert tempo.confidence > 0.5

    def test_noise_has_no_clear_tempo_nor_key(self, media: Media, tmp_path):
        noise = np.random.default_rng(7).normal(0, 0.1, 20 * sound.RATE).astype(np.float32)

        analysis = media.analyse(sound.write(tmp_path / "a", noise))

        assert analysis.tempo is None or analysis.tempo.confidence < 0.3
        assert analysis.key is None or analysis.key.confidence < 0.5

    @pytest.mark.parametrize(
        ("name", "tonic", "is_minor"),
        [("C major", -9, False), ("A minor", 0, True), ("F# major", -3, False),
         ("D minor", 5, True), ("G major", -2, False), ("D# minor", 6, True)],
    )  # fmt: skip
    def test_key_of_a_cadence(self, media: Media, name, tonic, is_minor, tmp_path):
        third = 3 if is_minor else 4
        steps = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7), (0, third, 12)]
        notes = [tuple(220 * 2 ** ((tonic + s) / 12) for s in chord) for chord in steps]

        key = media.analyse(sound.write(tmp_path / "a", sound.chords(notes * 2))).key

        assert key
        assert key.name == name
        assert 0.3 < key.confidence <= 1
