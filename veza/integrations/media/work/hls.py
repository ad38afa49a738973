"""AAC-LC in fragmented MP4, cut for HLS (RFC 8216), in several bit rates from one decoding."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.codec.context import Flags as CodecFlags
from av.container import OutputContainer

from veza.integrations.media.port import Rendition, Stream
from veza.integrations.media.work.boxes import without_user_data
from veza.integrations.media.work.conversion import Converter
from veza.integrations.media.work.playlists import MediaPlaylist, master_playlist
from veza.integrations.media.work.source import Terms, frames, opened

SEGMENT_S = 6
MASTER, INDEX, INIT = "master.m3u8", "index.m3u8", "init.mp4"
MANY = 48_000  # rates that divide it, or that it divides, become it; all others 44,100
FEW = 44_100
SCARCE = 96


class _Variant:
    """One rendition being written, in a folder named by its kilobits."""

    def __init__(self, folder: Path, kilobits: int, *, rate: int, layout: str) -> None:
        self.kilobits = kilobits
        self.folder = folder / str(kilobits)
        self.folder.mkdir()
        self.output: OutputContainer = av.open(
            str(self.folder / INDEX), mode="w", format="hls", options=_options(self.folder)
        )
        self._stream = self.output.add_stream(
            "aac", rate=rate, layout=layout, options=_encoder(kilobits)
        )
        self._stream.bit_rate = kilobits * 1000
        self._stream.codec_context.thread_count = 1
        # Nothing says who encoded it.
        self._stream.codec_context.flags |= CodecFlags.bitexact.value

    def add(self, frame: AudioFrame | None) -> None:
        self.output.mux(self._stream.encode(frame))

    def facts(self) -> Rendition:
        """Tidy what FFmpeg wrote, and tell what it is."""
        init = self.folder / INIT
        init.write_bytes(without_user_data(init.read_bytes()))
        playlist = MediaPlaylist.read(self.folder / INDEX)
        text = playlist.text().encode()
        (self.folder / INDEX).write_bytes(text)
        sizes = [(self.folder / each.uri).stat().st_size for each in playlist.segments]
        return Rendition(
            playlist=f"{self.kilobits}/{INDEX}",
            bit_rate=self.kilobits * 1000,
            bandwidth=playlist.peak_bandwidth(sizes),
            average_bandwidth=playlist.average_bandwidth(sizes),
            size_bytes=sum(sizes) + init.stat().st_size,
            segments=len(sizes),
            duration_ms=round(playlist.duration_s * 1000),
            playlist_sha256=hashlib.sha256(text).hexdigest(),
        )


def _encoder(kilobits: int) -> dict[str, str]:
    """The coder that FFmpeg prefers overshoots where bits are scarce: half as loud again."""
    return {"aac_coder": "fast" if kilobits < SCARCE else "twoloop"}


def _options(folder: Path) -> dict[str, str]:
    return {
        "hls_time": str(SEGMENT_S),
        "hls_playlist_type": "vod",
        "hls_segment_type": "fmp4",
        "hls_fmp4_init_filename": INIT,
        "hls_segment_filename": str(folder / "%05d.m4s"),
        "hls_flags": "independent_segments",
        # The encoder's delay becomes an edit list, so that playback begins without a gap.
        "avoid_negative_ts": "disabled",
    }


def transcode(
    file: IO[bytes],
    terms: Terms,
    *,
    folder: Path,
    kilobits: Sequence[int],
    seconds: float | None = None,
) -> Stream:
    """At most `seconds` of the file. Raises MediaInvalidError and StorageFullError."""
    with opened(file, terms) as source, ExitStack() as stack:
        context = source.stream.codec_context
        rate = _rate(context.sample_rate)
        layout = "mono" if context.channels == 1 else "stereo"
        variants = [_Variant(folder, each, rate=rate, layout=layout) for each in kilobits]
        for variant in variants:
            stack.enter_context(variant.output)
        converter = Converter(format="fltp", layout=layout, rate=rate)
        written = _Written(variants, rate=rate, wanted=round(seconds * rate) if seconds else None)
        for decoded in frames(source):
            written.add(converter.feed(decoded))
            if written.is_enough:
                break
        written.add(converter.drain())
        for variant in variants:
            variant.add(None)
    return _finished(folder, variants, duration_ms=round(written.samples * 1000 / rate))


def _rate(source_rate: int) -> int:
    return MANY if MANY % source_rate == 0 or source_rate % MANY == 0 else FEW


class _Written:
    """Frames on their way into all variants, `wanted` samples at most."""

    def __init__(self, variants: list[_Variant], *, rate: int, wanted: int | None) -> None:
        self.samples = 0
        self._variants = variants
        self._rate = rate
        self._wanted = wanted

    @property
    def is_enough(self) -> bool:
        return self._wanted is not None and self.samples >= self._wanted

    def add(self, converted: list[AudioFrame]) -> None:
        for frame in converted:
            if not self.is_enough:
                self._write(self._cut(frame))

    def _cut(self, frame: AudioFrame) -> AudioFrame:
        if self._wanted is None or frame.samples <= self._wanted - self.samples:
            return frame
        frame.pts = None
        fifo = AudioFifo()
        fifo.write(frame)
        return fifo.read(self._wanted - self.samples) or frame

    def _write(self, frame: AudioFrame) -> None:
        frame.pts, frame.time_base = self.samples, Fraction(1, self._rate)
        for variant in self._variants:
            variant.add(frame)
        self.samples += frame.samples


def _finished(folder: Path, variants: list[_Variant], *, duration_ms: int) -> Stream:
    renditions = tuple(variant.facts() for variant in variants)
    (folder / MASTER).write_text(master_playlist(renditions), encoding="ascii")
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return Stream(master=MASTER, duration_ms=duration_ms, renditions=renditions, files=tuple(files))
