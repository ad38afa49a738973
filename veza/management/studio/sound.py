"""Synthesis: chords, bass, melody and drums out of sines, saws and noise. Times are in seconds."""

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from veza.management.studio.catalogue import Song

RATE = 48_000
PEAK = 0.8
OCTAVE = 12  # semitones
BUSY = 4  # notes a bar
Samples = NDArray[np.float32]
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)
# The beats of a bar on which drums play: kick, snare, hat.
_DRUMS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    "none": ((), (), ()),
    "four": ((0, 1, 2, 3), (1, 3), (0.5, 1.5, 2.5, 3.5)),
    "rock": ((0, 1.5, 2), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    "half": ((0, 2.5), (2,), (0.5, 1.5, 2.5, 3.5)),
    "swing": ((0, 1.66, 2.33), (1, 3), (0, 0.66, 1, 1.66, 2, 2.66, 3, 3.66)),
    "break": ((0, 2.5), (1, 1.75, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.25, 3.5)),
}


def render(song: Song) -> Samples:
    """Two rows, left and right, as loud as PEAK; the same for the same song."""
    mix = _Mix(song)
    for bar in range(mix.bars):
        mix.play_bar(bar)
    return mix.finished()


class _Mix:
    def __init__(self, song: Song) -> None:
        self._song = song
        self._style = song.artist.style
        self._beat_s = 60 / song.bpm
        self.bars = max(4, round(song.seconds / (4 * self._beat_s)))
        self._left = np.zeros(int((self.bars * 4 * self._beat_s + 1.5) * RATE), np.float32)
        self._right = self._left.copy()
        self._chance = np.random.default_rng(song.seed)
        self._scale = _MINOR if self._style.is_minor else _MAJOR
        self._tune = self._chance.integers(0, 5, size=16)

    def play_bar(self, bar: int) -> None:
        degree = self._song.progression[bar % len(self._song.progression)]
        self._chords(bar, degree)
        if bar:
            self._bass(bar, degree)
        if bar >= min(2, self.bars - 1):
            self._drums(bar)
        if bar % 8 not in (0, 1):
            self._melody(bar, degree)

    def finished(self) -> Samples:
        both = np.vstack([self._left, self._right])
        echo = int(self._beat_s * 0.75 * RATE)
        both[:, echo:] += 0.22 * both[::-1, :-echo]
        fade = min(both.shape[1] // 4, 3 * RATE)
        both[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
        loudest = max(1e-6, float(np.abs(both).max()))
        return np.asarray(np.tanh(both * (1.6 / loudest)) * PEAK, dtype=np.float32)

    def _chords(self, bar: int, degree: int) -> None:
        for place, step in enumerate((0, 2, 4, 6)):
            note = partial(_note, self._style.wave, self._pitch(degree + step, octave=4))
            sound = note(4 * self._beat_s, 0.6 if self._style.wave == "pluck" else 0.25)
            self._add(sound, beat=bar * 4, level=0.16, pan=(place - 1.5) / 2.5)

    def _bass(self, bar: int, degree: int) -> None:
        step = 4 / self._style.bass
        pitch = self._pitch(degree, octave=2)
        for nth in range(self._style.bass):
            higher = OCTAVE if self._style.bass >= BUSY and (nth + 1) % 4 == 0 else 0
            sound = _note("bass", pitch + higher, step * self._beat_s * 0.9, 0.02)
            self._add(sound, beat=bar * 4 + nth * step, level=0.42)

    def _melody(self, bar: int, degree: int) -> None:
        step = 4 / self._style.melody
        wave = "pluck" if self._style.wave in ("soft", "pluck") else "square"
        for nth in range(self._style.melody):
            if (nth + bar + 1) % 5 == 0:
                continue  # it breathes
            up = int(self._tune[(nth + 3 * (bar % 4)) % len(self._tune)])
            sound = _note(wave, self._pitch(degree + up, octave=5), step * self._beat_s, 0.01)
            self._add(sound, beat=bar * 4 + nth * step, level=0.15, pan=0.35 * (-1) ** nth)

    def _drums(self, bar: int) -> None:
        kicks, snares, hats = _DRUMS[self._style.drums]
        for beats, sound, level in (
            (kicks, _kick(), 0.75),
            (snares, _snare(), 0.34),
            (hats, _hat(), 0.16),
        ):
            for beat in beats:
                self._add(sound, beat=bar * 4 + beat, level=level)

    def _pitch(self, degree: int, *, octave: int) -> int:
        """In semitones, as MIDI counts them."""
        up, place = divmod(degree, 7)
        return 12 * (octave + 1 + up) + self._song.root + self._scale[place]

    def _add(self, sound: Samples, *, beat: float, level: float, pan: float = 0.0) -> None:
        start = int(beat * self._beat_s * RATE)
        end = min(start + len(sound), len(self._left))
        part = sound[: end - start]
        self._left[start:end] += part * np.float32(level * (1 - max(0.0, pan)))
        self._right[start:end] += part * np.float32(level * (1 + min(0.0, pan)))


@cache
def _note(wave: str, pitch: int, length_s: float, attack_s: float) -> Samples:
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    time = np.arange(int(length_s * RATE), dtype=np.float32) / RATE
    sound = _WAVES[wave](hertz, time)
    shape = np.minimum(1, time / max(attack_s, 0.005)) * np.minimum(1, (length_s - time) / 0.03)
    return np.asarray(sound * shape, dtype=np.float32)


def _sines(hertz: float, time: Samples, levels: tuple[float, ...]) -> Samples:
    total = np.zeros_like(time)
    for nth, level in enumerate(levels, 1):
        if level and hertz * nth < RATE / 2:
            total += np.float32(level) * np.sin(np.float32(2 * np.pi * hertz * nth) * time)
    return total


def _pluck(hertz: float, time: Samples) -> Samples:
    tone = _sines(hertz, time, (1, 0.5, 0.3, 0.2, 0.1))
    return np.asarray(tone * np.exp(-3.2 * time), dtype=np.float32)


_WAVES = {
    "soft": lambda hertz, time: (
        _sines(hertz, time, (1, 0.25, 0.08)) + _sines(hertz * 1.004, time, (0.7, 0.15))
    ),
    "saw": lambda hertz, time: (
        _sines(hertz, time, tuple(0.7 / n for n in range(1, 11)))
        + _sines(hertz * 0.996, time, tuple(0.5 / n for n in range(1, 7)))
    ),
    "square": lambda hertz, time: _sines(hertz, time, (0.8, 0, 0.27, 0, 0.16, 0, 0.11)),
    "bass": lambda hertz, time: _sines(hertz, time, (1, 0.35, 0.15)),
    "pluck": _pluck,
}


@cache
def _kick() -> Samples:
    time = np.arange(int(0.22 * RATE)) / RATE
    sweep = np.cumsum(45 + 110 * np.exp(-28 * time)) / RATE
    return (np.sin(2 * np.pi * sweep) * np.exp(-14 * time)).astype(np.float32)


@cache
def _snare() -> Samples:
    time = np.arange(int(0.18 * RATE)) / RATE
    noise = np.random.default_rng(2).normal(0, 0.5, len(time))
    return ((noise + np.sin(2 * np.pi * 190 * time)) * np.exp(-22 * time)).astype(np.float32)


@cache
def _hat() -> Samples:
    time = np.arange(int(0.06 * RATE)) / RATE
    noise = np.diff(np.random.default_rng(3).normal(0, 0.6, len(time) + 1))
    return (noise * np.exp(-70 * time)).astype(np.float32)
