"""Loudness as EBU R 128 and ITU-R BS.1770 define it, by FFmpeg's filter `ebur128`.

https://tech.ebu.ch/docs/r/r128.pdf, https://www.itu.int/rec/R-REC-BS.1770
"""

import math
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.error import BlockingIOError as AgainError
from av.error import EOFError as EndError
from av.filter import Graph

SILENCE_LUFS = -70.0  # the absolute gate of BS.1770: nothing below it counts
LEAST_S = 0.4  # the shortest block that has a loudness


class Loudness:
    """Feed all frames, in one format; then read."""

    def __init__(self, first: AudioFrame) -> None:
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=first.sample_rate,
            format=first.format.name,
            layout=first.layout.name,
            time_base=Fraction(1, first.sample_rate),
        )
        meter = self._graph.add("ebur128", "metadata=1:peak=true:framelog=quiet")
        self._graph.link_nodes(source, meter, self._graph.add("abuffersink")).configure()
        self._rate = first.sample_rate
        self._samples = 0
        self._said: dict[str, str] = {}

    def add(self, frame: AudioFrame) -> None:
        frame.pts, frame.time_base = self._samples, Fraction(1, self._rate)
        self._samples += frame.samples
        self._graph.push(frame)
        self._pull()

    def read(self) -> tuple[float | None, float | None]:
        """Integrated loudness in LUFS and true peak in dBTP; None where there is only silence."""
        self._graph.push(None)
        self._pull()
        integrated = float(self._said.get("lavfi.r128.I", "nan"))
        peak = float(self._said.get("lavfi.r128.true_peak", "0"))
        is_heard = math.isfinite(integrated) and integrated > SILENCE_LUFS
        return (
            round(integrated, 2) if is_heard else None,
            round(20 * math.log10(peak), 2) if math.isfinite(peak) and peak > 0 else None,
        )

    def _pull(self) -> None:
        while True:
            try:
                self._said = self._graph.pull().metadata or self._said
            except (AgainError, EndError):
                return
