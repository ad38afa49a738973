"""What a file says of itself: codec, length, tags, the picture."""

from typing import IO

from av.container import InputContainer

from veza.integrations.media.port import CorruptError, Probe
from veza.integrations.media.work.containers import ADTS
from veza.integrations.media.work.source import Source, Terms, frames, opened

TRIED_S = 2.0  # so much of the beginning is decoded before we believe that it is audio
MAX_TAG = 500
MAX_ARTWORK_BYTES = 8 * 1024**2
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
LEAST_BIT_RATE = 1000
TAGS = {  # what containers call them -> what we do
    "title": "title", "artist": "artist", "album": "album", "album_artist": "album_artist",
    "albumartist": "album_artist", "genre": "genre", "date": "date", "year": "date",
    "track": "track", "tracknumber": "track", "tbpm": "bpm", "bpm": "bpm", "tmpo": "bpm",
    "tkey": "key", "initialkey": "key", "key": "key",
}  # fmt: skip


def probe(file: IO[bytes], terms: Terms) -> Probe:
    """Raises MediaInvalidError."""
    with opened(file, terms) as source:
        context = source.stream.codec_context
        codec, rate, channels = context.codec.name, context.sample_rate, context.channels
        artwork = _artwork(source.opened)
        tags = _tags(source)
        bit_rate = source.stream.bit_rate or 0
        _try(source)
    duration_s = source.expected_s
    if source.container is ADTS or not duration_s:  # which tells neither length nor bit rate
        duration_s = _decoded_s(file, terms)
    if bit_rate < LEAST_BIT_RATE:
        bit_rate = round((source.size_bytes - len(artwork or b"")) * 8 / max(0.001, duration_s))
    return Probe(
        codec=_plain(codec),
        container=source.container.name,
        sample_rate_hz=rate,
        channels=channels,
        duration_ms=round(duration_s * 1000),
        bit_rate=bit_rate,
        tags=tags,
        has_artwork=artwork is not None,
    )


def artwork(file: IO[bytes], terms: Terms) -> bytes | None:
    """The first picture of a kind that browsers show. Raises MediaInvalidError."""
    with opened(file, terms) as source:
        return _artwork(source.opened)


def _try(source: Source) -> None:
    decoded_s = 0.0
    for frame in frames(source):
        decoded_s += frame.samples / frame.sample_rate
        if decoded_s >= TRIED_S:
            return


def _decoded_s(file: IO[bytes], terms: Terms) -> float:
    file.seek(0)
    with opened(file, terms) as source:
        return sum(frame.samples / frame.sample_rate for frame in frames(source))


def _artwork(found: InputContainer) -> bytes | None:
    """Attached pictures are streams of one packet, which comes first."""
    pictures = list(found.streams.video)
    if not pictures:
        return None
    for packet in found.demux(pictures):
        if not packet.size:
            break
        content = bytes(packet)
        if len(content) > MAX_ARTWORK_BYTES:
            raise CorruptError("The picture in the file is larger than 8 MiB.")
        if content.startswith(PICTURES):
            return content
    return None


def _tags(source: Source) -> dict[str, str]:
    """Ogg keeps them with the stream, the others with the file. The first of a kind wins."""
    kept: dict[str, str] = {}
    for said in (source.opened.metadata, source.stream.metadata):
        for name, text in said.items():
            known = TAGS.get(name.lower())
            value = "".join(each if each.isprintable() else " " for each in text)[:MAX_TAG].strip()
            if known and value:
                kept.setdefault(known, value)
    return kept


def _plain(codec: str) -> str:
    return "mp3" if codec == "mp3float" else codec
