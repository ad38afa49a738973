"""Sounds made of numbers, in every format that is taken."""

import struct
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

RATE = 44_100
PNG = b"\x89PNG\r\n\x1a\n" + b"no picture, but it begins like one" * 20
Samples = np.ndarray


@dataclass(frozen=True)
class Form:
    """How a file is written, and what is said of it when it is read again."""

    suffix: str
    muxer: str
    encoder: str
    container: str
    codec: str
    rate: int = RATE
    has_tags: bool = True
    options: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.container}-{self.codec}"


FORMS = [
    Form("wav", "wav", "pcm_u8", "wav", "pcm_u8"),
    Form("wav", "wav", "pcm_s16le", "wav", "pcm_s16le"),
    Form("wav", "wav", "pcm_s24le", "wav", "pcm_s24le"),
    Form("wav", "wav", "pcm_f32le", "wav", "pcm_f32le"),
    Form("aiff", "aiff", "pcm_s16be", "aiff", "pcm_s16be"),
    Form("flac", "flac", "flac", "flac", "flac"),
    Form("mp3", "mp3", "libmp3lame", "mp3", "mp3"),
    Form("ogg", "ogg", "vorbis", "ogg", "vorbis", options={"strict": "experimental"}),
    Form("opus", "ogg", "libopus", "ogg", "opus", rate=48_000),
    Form("m4a", "ipod", "aac", "mp4", "aac"),
    Form("m4a", "ipod", "alac", "mp4", "alac"),
    Form("aac", "adts", "aac", "aac", "aac", has_tags=False),
]
WAV, FLAC, MP3 = FORMS[1], FORMS[5], FORMS[6]
VORBIS, OPUS, M4A, ADTS = FORMS[7], FORMS[8], FORMS[9], FORMS[11]


def tone(hertz: float = 1000, seconds: float = 3, *, rate: int = RATE, level: float = 0.5):
    """A sine, in mono."""
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def clicks(bpm: float, seconds: float, *, rate: int = RATE) -> Samples:
    """Short bursts of noise, one a beat."""
    sound = np.zeros(round(seconds * rate), np.float32)
    burst = np.random.default_rng(1).normal(0, 0.3, rate // 50) * np.linspace(1, 0, rate // 50)
    for beat in np.arange(0.1, seconds - 0.1, 60 / bpm):
        start = round(beat * rate)
        sound[start : start + len(burst)] += burst
    return sound


def chords(notes: list[tuple[float, ...]], *, each_s: float = 1.0, rate: int = RATE) -> Samples:
    """Chords after each other, each note with two overtones."""
    parts = [
        sum(tone(hertz * n, each_s, rate=rate, level=0.1 / n) for hertz in chord for n in (1, 2, 3))
        for chord in notes
    ]
    return np.concatenate(parts).astype(np.float32)


def write(
    path: Path,
    samples: Samples,
    form: Form = WAV,
    *,
    rate: int = 0,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """A file of this form. `samples`: one row for each channel, or a single one."""
    samples = np.atleast_2d(samples)
    rate = rate or form.rate
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[len(samples)]
    with av.open(str(path), "w", format=form.muxer) as file:
        file.metadata.update(tags or {})
        added = file.add_stream(form.encoder, rate=rate, layout=layout, options=form.options)
        stream = cast(AudioStream, added)
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        for start in range(0, samples.shape[1], 4096):
            part = np.ascontiguousarray(samples[:, start : start + 4096].T, np.float32)
            frame = AudioFrame.from_ndarray(part.reshape(1, -1), format="flt", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            frame.time_base = Fraction(1, rate)
            for each in resampler.resample(frame):
                file.mux(stream.encode(each))
        for each in resampler.resample(None):
            file.mux(stream.encode(each))
        file.mux(stream.encode(None))
    return path


def write_tone(path: Path, form: Form = WAV, *, seconds: float = 3.0, **options) -> Path:
    """Two channels of 1 kHz."""
    mono = tone(seconds=seconds, rate=options.get("rate") or form.rate)
    return write(path, np.vstack([mono, mono]), form, **options)


def with_id3_artwork(mp3: bytes, picture: bytes = PNG, *, size: int | None = None) -> bytes:
    """An ID3v2.3 tag with an attached picture before the file; `size` is what the tag claims."""
    body = b"\0image/png\0\x03\0" + picture
    frame = b"APIC" + struct.pack("!I", len(body)) + b"\0\0" + body
    length = len(frame) if size is None else size
    syncsafe = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + syncsafe + frame + mp3


def with_flac_artwork(flac: bytes, picture: bytes = PNG) -> bytes:
    """A PICTURE block behind STREAMINFO."""
    body = picture_block(picture)
    block = bytes([6]) + len(body).to_bytes(3) + body
    return flac[:42] + block + flac[42:]


def picture_block(picture: bytes = PNG) -> bytes:
    """As FLAC has it, and Ogg in base64."""
    kind = b"image/png"
    head = struct.pack("!II", 3, len(kind)) + kind
    return head + struct.pack("!IIIIII", 0, 1, 1, 24, 0, len(picture)) + picture


def ogg_artwork(picture: bytes = PNG) -> dict[str, str]:
    return {"METADATA_BLOCK_PICTURE": b64encode(picture_block(picture)).decode()}


def read(path: Path) -> tuple[Samples, int]:
    """All samples of a file or playlist, and their rate."""
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
        resampler = av.AudioResampler(format="fltp")
        parts = [each.to_ndarray() for frame in frames for each in resampler.resample(frame)]
    return np.hstack(parts), frames[0].sample_rate


def loudest_hertz(samples: Samples, rate: int) -> float:
    mono = np.atleast_2d(samples).mean(axis=0)
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono))))
    return float(np.fft.rfftfreq(len(mono), 1 / rate)[np.argmax(spectrum)])
