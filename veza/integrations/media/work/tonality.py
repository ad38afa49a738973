"""In which key the music is: its pitch classes against the profiles of C. Krumhansl and E. Kessler
(1982). An estimate: relative keys sound alike.
"""

import numpy as np

from veza.integrations.media.port import MusicalKey

WINDOW, HOP = 8192, 4096
LOWEST_HZ, HIGHEST_HZ = 55.0, 2000.0
A4_HZ, A4_CLASS = 440.0, 9
CLEAR = 0.3  # a lead over the next key that leaves no doubt
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def key_of(mono: np.ndarray, rate: int) -> MusicalKey | None:
    """None where there is no pitch, or for less than a second."""
    if len(mono) < max(WINDOW, rate):
        return None
    chroma = _chroma(mono, rate)
    if chroma.std() < 1e-9 or chroma.std() / chroma.mean() < 0.1:  # noqa: PLR2004
        return None
    fits = sorted(
        (
            (float(np.corrcoef(chroma, np.roll(profile, tonic))[0, 1]), f"{NAMES[tonic]} {mode}")
            for mode, profile in (("major", MAJOR), ("minor", MINOR))
            for tonic in range(12)
        ),
        reverse=True,
    )
    (best, name), (second, _) = fits[:2]
    confidence = max(0.0, best) * min(1.0, 0.5 + (best - second) / CLEAR)
    return MusicalKey(name=name, confidence=round(min(1.0, confidence), 2))


def _chroma(mono: np.ndarray, rate: int) -> np.ndarray:
    """How much there is of each of the twelve pitch classes."""
    hertz = np.fft.rfftfreq(WINDOW, 1 / rate)
    used = (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ)
    classes = (np.rint(12 * np.log2(hertz[used] / A4_HZ)).astype(int) + A4_CLASS) % 12
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)[::HOP]
    window = np.hanning(WINDOW).astype(np.float32)
    chroma = np.zeros(12)
    for frame in frames:
        loud = np.abs(np.fft.rfft(frame * window))[used]
        peaks = np.where((loud > np.roll(loud, 1)) & (loud >= np.roll(loud, -1)), loud, 0)
        found = np.bincount(classes, weights=peaks, minlength=12)
        chroma += found / (found.sum() or 1)
    return chroma
