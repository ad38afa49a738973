"""Playlists of HLS, as RFC 8216 has them."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from veza.integrations.media.port import Rendition

CODEC = "mp4a.40.2"  # AAC-LC, RFC 6381
VERSION = 7
SEGMENT = re.compile(r"#EXTINF:([0-9.]+),[^\n]*\n([^#\n]+)\n")
MAP = re.compile(r'#EXT-X-MAP:URI="([^"]+)"')
LEAST_PART, MOST_PART = 0.5, 1.5  # of the target duration: what the peak bit rate is taken over


@dataclass(frozen=True)
class Segment:
    uri: str
    duration_s: float


@dataclass(frozen=True)
class MediaPlaylist:
    """One rendition, complete."""

    init: str
    segments: tuple[Segment, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """What FFmpeg's muxer wrote."""
        text = path.read_text(encoding="ascii")
        found = MAP.search(text)
        segments = tuple(
            Segment(uri=uri, duration_s=float(length)) for length, uri in SEGMENT.findall(text)
        )
        if not found or not segments:
            raise ValueError("no playlist of fragmented MP4")
        return cls(init=found[1], segments=segments)

    @property
    def duration_s(self) -> float:
        return math.fsum(segment.duration_s for segment in self.segments)

    @property
    def target_s(self) -> int:
        """The largest duration, rounded to the nearest second (section 4.3.3.1)."""
        return max(1, round(max(segment.duration_s for segment in self.segments)))

    def text(self) -> str:
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f"#EXT-X-TARGETDURATION:{self.target_s}",
            "#EXT-X-MEDIA-SEQUENCE:0",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            f'#EXT-X-MAP:URI="{self.init}"',
        ]
        for segment in self.segments:
            lines += [f"#EXTINF:{segment.duration_s:.6f},", segment.uri]
        return "\n".join([*lines, "#EXT-X-ENDLIST", ""])

    def average_bandwidth(self, sizes: Sequence[int]) -> int:
        """Bits a second over all of it (section 4.3.4.2)."""
        return math.ceil(sum(sizes) * 8 / self.duration_s)

    def peak_bandwidth(self, sizes: Sequence[int]) -> int:
        """The largest of any run of segments about as long as the target (section 4.1)."""
        rates = [size * 8 / length for size, length in self._runs(sizes)]
        return max([*map(math.ceil, rates), self.average_bandwidth(sizes)])

    def _runs(self, sizes: Sequence[int]) -> Iterator[tuple[int, float]]:
        for first in range(len(self.segments)):
            size, length = 0, 0.0
            for segment, more in zip(self.segments[first:], sizes[first:], strict=True):
                size, length = size + more, length + segment.duration_s
                if length > MOST_PART * self.target_s:
                    break
                if length >= LEAST_PART * self.target_s:
                    yield size, length


def master_playlist(renditions: Sequence[Rendition]) -> str:
    """The renditions, smallest first: a player begins with the first that it knows how to."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for each in renditions:
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={each.bandwidth}"
            f',AVERAGE-BANDWIDTH={each.average_bandwidth},CODECS="{CODEC}"',
            each.playlist,
        ]
    return "\n".join([*lines, ""])
