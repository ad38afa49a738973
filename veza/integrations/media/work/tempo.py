"""How fast the music is: the autocorrelation of its onsets, after D. Ellis, "Beat Tracking by
Dynamic Programming", 2007. An estimate: half and double of it are often as right.
"""

import numpy as np

from veza.integrations.media.port import Tempo

WINDOW, HOP = 512, 64
SLOWEST, FASTEST, USUAL = 50.0, 210.0, 120.0
SPREAD_OCTAVES = 1.2
LEAST_S = 6.0
LEAST_CONFIDENCE = 0.05
AS_CLEAR = 0.85
LEAST_ONSET = 0.1  # of the loudest frame


def tempo_of(mono: np.ndarray, rate: int) -> Tempo | None:
    """None where nothing repeats, or for less than six seconds."""
    if len(mono) < LEAST_S * rate:
        return None
    onsets = _onsets(mono)
    if onsets is None:
        return None
    spectrum = np.fft.rfft(onsets, 2 * len(onsets))
    correlation = np.fft.irfft(spectrum * spectrum.conj())[: len(onsets)]
    correlation /= np.arange(len(onsets), 0, -1)  # fewer pairs at longer lags
    if correlation[0] <= 0:
        return None
    frames_a_minute = 60 * rate / HOP
    lags = np.arange(int(frames_a_minute / FASTEST), int(frames_a_minute / SLOWEST) + 1)
    bpm = frames_a_minute / lags
    prior = np.exp(-0.5 * (np.log2(bpm / USUAL) / SPREAD_OCTAVES) ** 2)
    strength = correlation[lags] / correlation[0]
    best = int(lags[np.argmax(strength * prior)])
    half = _top_near(correlation, best / 2)
    if half >= lags[0] and correlation[half] >= AS_CLEAR * correlation[best]:
        best = half  # there is a beat between the beats
    confidence = float(np.clip(correlation[best] / correlation[0], 0, 1))
    if confidence < LEAST_CONFIDENCE:
        return None
    return Tempo(
        bpm=round(float(frames_a_minute / _refined(correlation, best)), 1),
        confidence=round(confidence, 2),
    )


def _onsets(mono: np.ndarray) -> np.ndarray | None:
    """How much the spectrum grows from one frame to the next, less its own average.

    None where it hardly does: what repeats in a steady sound is an artefact of the frames.
    """
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)[::HOP]
    window = np.hanning(WINDOW).astype(np.float32)
    growth = [np.empty(0, np.float32)]
    last, loudest = None, 1e-6
    for part in np.array_split(frames, max(1, len(frames) // 2048)):  # so that memory stays small
        loud = np.log1p(100 * np.abs(np.fft.rfft(part * window, axis=1))).astype(np.float32)
        before = loud[:1] if last is None else last
        growth.append(np.maximum(np.diff(np.vstack([before, loud]), axis=0), 0).sum(axis=1))
        last = loud[-1:]
        loudest = max(loudest, float(loud.sum(axis=1).max()))
    onsets = np.concatenate(growth)
    return onsets - onsets.mean() if onsets.max() >= LEAST_ONSET * loudest else None


def _top_near(correlation: np.ndarray, lag: float) -> int:
    first = round(lag) - 2
    return first + int(np.argmax(correlation[first : first + 5]))


def _refined(correlation: np.ndarray, lag: int) -> float:
    """The top of the peak between samples, at the latest repetition that is still clear."""
    best = float(lag)
    for times in (1, 2, 4, 8):
        centre = round(best * times)
        if centre + 3 >= len(correlation) // 2:
            break
        peak = _top_near(correlation, centre)
        left, middle, right = correlation[peak - 1 : peak + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        best = (peak + float(np.clip(shift, -0.5, 0.5))) / times
    return best
