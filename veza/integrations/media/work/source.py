"""An uploaded file, opened and decoded with nothing in reach but its own bytes."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import BlockingIOError as AgainError
from av.error import EOFError as EndError
from av.error import FFmpegError

from veza.integrations.media.port import CorruptError, NotAudioError, Progress, TooLongError
from veza.integrations.media.work.containers import (
    Container,
    container_of,
    missing_bytes,
    tells_length,
)
from veza.kit.errors import StorageFullError

MAX_CHANNELS = 8
MIN_RATE_HZ, MAX_RATE_HZ = 4000, 768_000
SPARE_ERRORS = 10
MIN_PART, SPARE_S = 0.95, 0.1  # of the length that a file tells there has to be this much
FULL = (errno.ENOSPC, errno.EDQUOT)
FAULTS = (FFmpegError, ValueError, IndexError, UnicodeError, OverflowError, ArithmeticError)


def _unheard(fraction: float) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long audio may be, and whom the work tells how far it has come."""

    max_duration_s: float
    progress: Progress = _unheard


@dataclass(frozen=True)
class Source:
    """An open file with its one stream of audio. `expected_s` is 0 where nothing is known."""

    container: Container
    opened: InputContainer
    stream: AudioStream
    size_bytes: int
    expected_s: float
    is_length_told: bool
    terms: Terms


@contextmanager
def opened(file: IO[bytes], terms: Terms) -> Iterator[Source]:
    """Raises MediaInvalidError."""
    size_bytes = os.fstat(file.fileno()).st_size
    if not size_bytes:
        raise NotAudioError("The file is empty.")
    container = container_of(file)
    if container is None:
        raise NotAudioError
    missing = missing_bytes(container, file, size_bytes)
    if missing > size_bytes * (1 - MIN_PART):
        raise CorruptError("The file ends before its audio does.")
    is_length_told = tells_length(container, file)
    try:
        with _open(file, container) as found:
            stream = _audio(found, container)
            expected_s = _expected_s(found, stream)
            if expected_s > terms.max_duration_s:
                raise TooLongError
            yield Source(container, found, stream, size_bytes, expected_s, is_length_told, terms)
    except FAULTS as fault:
        if getattr(fault, "errno", None) in FULL:
            raise StorageFullError from fault
        raise CorruptError from fault


def _open(file: IO[bytes], container: Container) -> InputContainer:
    return av.open(
        file,
        mode="r",
        format=container.demuxer,
        metadata_errors="replace",
        options={
            "protocol_whitelist": "none",
            "format_whitelist": container.demuxer,
            "codec_whitelist": ",".join(container.codecs),
            "max_streams": "16",
            "probesize": "2000000",
        },
    )


def _audio(found: InputContainer, container: Container) -> AudioStream:
    if not found.streams.audio:
        raise NotAudioError
    stream = found.streams.audio[0]
    context = stream.codec_context
    if context is None or context.codec.name not in container.codecs:
        raise NotAudioError
    if not (MIN_RATE_HZ <= (context.sample_rate or 0) <= MAX_RATE_HZ):
        raise CorruptError
    if not 1 <= context.channels <= MAX_CHANNELS:
        raise CorruptError("The file has more than eight channels, or none.")
    context.thread_count = 1
    return stream


def _expected_s(found: InputContainer, stream: AudioStream) -> float:
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, (found.duration or 0) / av.time_base)


def _is_part(present_s: float, *, of: float) -> bool:
    return present_s < of * MIN_PART - SPARE_S


def frames(source: Source) -> Iterator[AudioFrame]:
    """All audio in order. Raises CorruptError when too much of it cannot be decoded, or misses."""
    decoded_s, good, bad = 0.0, 0, 0
    for packet in _packets(source):
        try:
            found = source.stream.decode(packet)
        except FAULTS:
            bad += 1
            if bad > SPARE_ERRORS + good:
                raise CorruptError from None
            continue
        good += 1
        for frame in found:
            decoded_s += frame.samples / max(1, frame.sample_rate)
            source.terms.progress(decoded_s / max(1.0, source.expected_s))
            if decoded_s > source.terms.max_duration_s:
                raise TooLongError
            yield frame
    if not decoded_s:
        raise CorruptError("There is no sound in the file.")
    if source.is_length_told and _is_part(decoded_s, of=source.expected_s):
        raise CorruptError("The file ends before its audio does.")


def _packets(source: Source) -> Iterator[av.Packet]:
    """Until the end, or until what cannot be read any more: how much was there is judged later."""
    try:
        yield from source.opened.demux(source.stream)
    except (AgainError, EndError):
        return
    except FAULTS:
        return
