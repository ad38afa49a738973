"""What a file is, by its first bytes.

FFmpeg is told the format and never guesses: its demuxers of playlists (HLS, ffconcat), which open
what a file names, are out of reach.
"""

import struct
from dataclasses import dataclass
from typing import IO

HEAD_BYTES = 4096
ID3_HEADER = 10
ID3_FOOTER = 0x10
MAX_ID3_TAGS = 4
MAX_CHUNKS = 64
UNKNOWN_LENGTH_BYTES = 0x7FFF_0000
FRAME_BITS = 0xE0  # the last three of the eleven bits that begin a frame of MPEG audio
LAYER_BITS, ADTS_LAYER = 0x06, 0x00


@dataclass(frozen=True, slots=True)
class Container:
    """A format that is taken; `name` is ours, `demuxer` FFmpeg's, `codecs` what may be in it."""

    name: str
    demuxer: str
    codecs: tuple[str, ...]


PCM = (
    *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"),
    *("pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be"),
)
WAV = Container("wav", "wav", PCM)
AIFF = Container("aiff", "aiff", PCM)
FLAC = Container("flac", "flac", ("flac",))
MP3 = Container("mp3", "mp3", ("mp3", "mp3float"))
OGG = Container("ogg", "ogg", ("vorbis", "opus", "flac"))
MP4 = Container("mp4", "mov", ("aac", "alac", "mp3", "mp3float", "flac", "opus"))
ADTS = Container("aac", "aac", ("aac",))


def container_of(file: IO[bytes]) -> Container | None:
    """The format of the file, or None for one that is not taken."""
    start = _after_tags(file)
    file.seek(start)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if start == 0 and (found := _with_own_tags(head)):
        return found
    if head[:4] == b"fLaC":
        return FLAC
    if start:
        head = head.lstrip(b"\0")  # some writers pad behind the tag
    return _mpeg(head)


def missing_bytes(container: Container, file: IO[bytes], size_bytes: int) -> int:
    """How much of the samples that a WAV or AIFF announces is not there: FFmpeg does not mind.

    Writers into pipes announce more than any file has, or nothing; that says nothing.
    """
    if container not in (WAV, AIFF):
        return 0
    wanted, header = (b"data", "<4sI") if container is WAV else (b"SSND", ">4sI")
    place = 12
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < len("ckIDsize"):
            break
        name, size = struct.unpack(header, head)
        place += 8
        if name == wanted:
            file.seek(0)
            return max(0, place + size - size_bytes) if size < UNKNOWN_LENGTH_BYTES else 0
        place += size + size % 2
    file.seek(0)
    return 0


def tells_length(container: Container, file: IO[bytes]) -> bool:
    """Whether the length stands in the file, rather than being estimated from its bit rate."""
    if container in (FLAC, MP4, WAV, AIFF):
        return True
    if container is not MP3:
        return False
    file.seek(_after_tags(file))
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


def _with_own_tags(head: bytes) -> Container | None:
    kind = head[8:12]
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and kind == b"WAVE":
        return WAV
    if head[:4] == b"FORM" and kind in (b"AIFF", b"AIFC"):
        return AIFF
    if head[:4] == b"OggS":
        return OGG
    return MP4 if head[4:8] == b"ftyp" else None


def _mpeg(head: bytes) -> Container | None:
    if len(head) < len("head") or head[0] != 0xFF or head[1] & FRAME_BITS != FRAME_BITS:  # noqa: PLR2004
        return None
    return ADTS if head[1] & LAYER_BITS == ADTS_LAYER else MP3


def _after_tags(file: IO[bytes]) -> int:
    """Where the ID3v2 tags at the beginning end (id3.org, ID3v2.4.0 section 3.1)."""
    start = 0
    for _ in range(MAX_ID3_TAGS):
        file.seek(start)
        head = file.read(ID3_HEADER)
        if len(head) < ID3_HEADER or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        start += size + ID3_HEADER * (2 if head[5] & ID3_FOOTER else 1)
    return start
