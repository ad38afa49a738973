"""What reads, measures and converts audio that people upload.

Everything here takes files that may have been made to do harm. Whatever a file holds, the answer
is what it says or a MediaInvalidError: never a hang, a crash, or a word to the network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from veza.kit.errors import InvalidError, UpstreamError

KILOBITS = (64, 128, 256)
PREVIEW_KILOBITS = (128,)

Progress = Callable[[float], None]


class MediaInvalidError(InvalidError):
    """The file cannot become a track: trying again will not help. `code` says why."""

    code = "corrupt"
    message = "The file is damaged."


class NotAudioError(MediaInvalidError):
    """It is none of the formats that are taken, whatever its name says."""

    code = "not_audio"
    message = "The file is no audio of a format that is taken."


class CorruptError(MediaInvalidError):
    """It begins like audio and cannot be decoded, or not to its end, or not within limits."""


class TooLongError(MediaInvalidError):
    """It lasts longer than MEDIA_MAX_DURATION_S."""

    code = "too_long"
    message = "The audio lasts longer than a track may."


class MediaUnavailableError(UpstreamError):
    """The machine cannot do the work at present: nothing is known of the file. Try again later."""

    code = "media_unavailable"
    message = "Audio cannot be processed at present."


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What a file says of itself. `duration_ms` may be an estimate: Analysis has measured it.

    `tags` holds those of title, artist, album, album_artist, genre, date, track, bpm, key that
    are there, as plain short text.
    """

    codec: str
    container: str
    sample_rate_hz: int
    channels: int
    duration_ms: int
    bit_rate: int
    tags: dict[str, str]
    has_artwork: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Tempo:
    """An estimate; `confidence` from 0 to 1."""

    bpm: float
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MusicalKey:
    """An estimate, as `A minor` or `F# major`; `confidence` from 0 to 1."""

    name: str
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """What was measured over the whole file.

    `loudness_lufs` is the integrated loudness of EBU R 128, `true_peak_dbtp` the true peak of
    ITU-R BS.1770; None for silence. `waveform` is a document of BBC audiowaveform's JSON format,
    as wavesurfer.js and peaks.js load it.
    """

    duration_ms: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    waveform: dict[str, Any]
    tempo: Tempo | None
    key: MusicalKey | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendition:
    """One variant stream. `playlist` is relative to the folder; `bandwidth` counts containers."""

    playlist: str
    bit_rate: int
    bandwidth: int
    average_bandwidth: int
    size_bytes: int
    segments: int
    duration_ms: int
    playlist_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """What was written below a folder: `files` are all of them, relative to it."""

    master: str
    duration_ms: int
    renditions: tuple[Rendition, ...]
    files: tuple[str, ...]


class Media(Protocol):
    """Blocking calls, minutes for a long file: never in a transaction.

    Each raises MediaInvalidError and MediaUnavailableError. One instance serves all threads of a
    process.
    """

    def probe(self, path: Path) -> Probe:
        """What the file is, found out quickly; its beginning can be decoded."""
        ...

    def analyse(self, path: Path) -> Analysis:
        """Decode all of it and measure."""
        ...

    def artwork(self, path: Path) -> bytes | None:
        """The embedded picture as it stands in the file: not looked into, not to be served."""
        ...

    def transcode_hls(self, path: Path, folder: Path, progress: Progress) -> Stream:
        """Write AAC renditions of 64, 128 and 256 kbit/s as HLS into an empty folder.

        `progress` is told fractions from 0 to 1, which never fall. After an error the folder is
        empty. Raises StorageFullError.
        """
        ...

    def preview(self, path: Path, folder: Path, *, seconds: int = 30) -> Stream:
        """The same of the beginning, with the rendition of 128 kbit/s alone."""
        ...
