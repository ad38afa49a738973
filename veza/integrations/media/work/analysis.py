"""All that is measured, in one pass over the file."""

from typing import IO

import numpy as np
from av.audio.frame import AudioFrame

from veza.integrations.media.port import Analysis
from veza.integrations.media.work.conversion import Converter
from veza.integrations.media.work.loudness import Loudness
from veza.integrations.media.work.source import Terms, frames, opened
from veza.integrations.media.work.tempo import tempo_of
from veza.integrations.media.work.tonality import key_of
from veza.integrations.media.work.waveform import Waveform

HEARD_RATE = 11_025  # tempo and key are heard at this rate, and
HEARD_S = 180  # over so much of the beginning


class _Meter:
    """What is fed with every frame. The first one decides on rate and layout."""

    def __init__(self, first: AudioFrame) -> None:
        self.rate = first.sample_rate
        self.samples = 0
        self.waveform = Waveform()
        self._same = Converter(format="flt", layout=first.layout.name, rate=self.rate)
        self._slow = Converter(format="fltp", layout="mono", rate=HEARD_RATE)
        self._heard: list[np.ndarray] = []
        self._heard_samples = 0
        self._loudness: Loudness | None = None

    def add(self, frame: AudioFrame) -> None:
        for each in self._same.feed(frame):
            self._measure(each)

    def finish(self) -> Analysis:
        for each in self._same.drain():
            self._measure(each)
        for each in self._slow.drain():
            self._hear(each)
        loudness, peak = self._loudness.read() if self._loudness else (None, None)
        heard = np.concatenate([*self._heard, np.empty(0, np.float32)])
        return Analysis(
            duration_ms=round(self.samples * 1000 / self.rate),
            loudness_lufs=loudness,
            true_peak_dbtp=peak,
            waveform=self.waveform.document(self.rate),
            tempo=tempo_of(heard, HEARD_RATE),
            key=key_of(heard, HEARD_RATE),
        )

    def _measure(self, frame: AudioFrame) -> None:
        self._loudness = self._loudness or Loudness(frame)
        self.samples += frame.samples
        # Packed, because PyAV miscounts the planes of eight channels.
        samples = frame.to_ndarray().reshape(frame.samples, -1).mean(axis=1, dtype=np.float32)
        self.waveform.add(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0))
        self._loudness.add(frame)
        if self._heard_samples < HEARD_S * HEARD_RATE:
            for each in self._slow.feed(frame):
                self._hear(each)

    def _hear(self, frame: AudioFrame) -> None:
        self._heard.append(np.nan_to_num(frame.to_ndarray()[0]))
        self._heard_samples += frame.samples


def analyse(file: IO[bytes], terms: Terms) -> Analysis:
    """Raises MediaInvalidError."""
    meter: _Meter | None = None
    with opened(file, terms) as source:
        for frame in frames(source):
            meter = meter or _Meter(frame)
            meter.add(frame)
        assert meter  # noqa: S101 - frames() raises where there are none
        return meter.finish()
