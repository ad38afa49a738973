"""Samples in one form, whatever the file does on the way."""

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler


class Converter:
    """Frames in, frames of one format, layout and rate out, also when the input changes its own."""

    def __init__(self, *, format: str, layout: str, rate: int) -> None:  # noqa: A002
        self._wanted = (format, layout, rate)
        self._input: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def feed(self, frame: AudioFrame) -> list[AudioFrame]:
        """What can be told by now."""
        converted: list[AudioFrame] = []
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or shape != self._input:
            converted = self.drain()
            self._input = shape
            self._resampler = AudioResampler(*self._wanted)
        frame.pts = None
        return converted + self._resampler.resample(frame)

    def drain(self) -> list[AudioFrame]:
        """What is left."""
        resampler, self._resampler = self._resampler, None
        return resampler.resample(None) if resampler else []
