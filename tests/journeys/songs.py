"""Recordings of people who do not exist."""

from pathlib import Path

import numpy as np

from tests.factories import sound


def song(path: Path, seed: int, *, seconds: int = 45) -> Path:
    """A few notes one after the other, each of which fades: shapes that can be told apart."""
    chance = np.random.default_rng(seed)
    at = np.arange(seconds * sound.RATE) / sound.RATE
    beat = 0.4 + 0.05 * seed
    notes = 220 * 2 ** (chance.integers(0, 13, size=int(seconds / beat) + 1) / 12)
    number = (at / beat).astype(int)
    swell = 0.25 + 0.75 * np.sin(np.pi * at / seconds * (seed + 1)) ** 2
    wave = np.sin(2 * np.pi * notes[number] * at) * np.exp(-3 * (at % beat) / beat) * swell
    return sound.write(path, (0.6 * wave).astype(np.float32))
