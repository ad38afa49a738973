"""clamd over INSTREAM: the file goes over the wire, so clamd needs no access to our disk.

The protocol is that of clamd(8): `zINSTREAM\\0`, then chunks with their length (four bytes,
network order) before them, then a chunk of no length; the answer ends in NUL, and clamd hangs up.
"""

import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import IO, NoReturn, Self
from urllib.parse import unquote, urlsplit

from django.conf import settings

from veza.integrations.antivirus.port import (
    AntivirusUnavailableError,
    ScanCutError,
    ScanLimitError,
    Verdict,
)

CHUNK_BYTES = 256 * 1024
MAX_ANSWER_BYTES = 4096
CUT_BYTES = 1024 * 1024  # who hangs up before that has not begun to dislike the file
CONNECT_TIMEOUT_S = 3.0
VERSION_TIMEOUT_S = 0.6  # /readyz asks for it
DEFAULT_PORT = 3310
# At the beginning of a file these make clamd say "OK" without a look at the rest: to it MP3 and Ogg
# cannot be infected, whatever stands in their tags, in their pictures or behind them.
UNSEEN = (b"ID3", b"OggS", *(bytes((0xFF, each)) for each in (0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB)))
HEAD_BYTES = 4
LEAD = b"\0"
"""Before one of them: what begins so is nothing that clamd knows, and is searched to its end."""
# What clamd reports, with AlertExceedsMax, for a file that it did not scan to its end.
NOT_SCANNED = "Heuristics.Limits.Exceeded"


class ClamdAntivirus:
    """A connection for each file. CLAMD_TIMEOUT_S limits every silence, that of the scan too."""

    knows_real_threats = True

    def scan(self, stream: IO[bytes]) -> Verdict:
        with _Link(settings.CLAMD_URL, settings.CLAMD_TIMEOUT_S) as link:
            link.send(b"zINSTREAM\0")
            for chunk in _chunks(stream):
                link.send(struct.pack("!I", len(chunk)) + chunk)
            link.send(struct.pack("!I", 0))
            return _verdict(link.answer())

    def version(self) -> str:
        with _Link(settings.CLAMD_URL, VERSION_TIMEOUT_S) as link:
            link.send(b"zVERSION\0")
            answer = link.answer()
        if not answer.startswith("ClamAV "):
            raise AntivirusUnavailableError("What answers there is not clamd.")
        return answer


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The file as clamd has to see it."""
    head = b""
    while len(head) < HEAD_BYTES and (more := stream.read(CHUNK_BYTES)):
        head += more
    if head.startswith(UNSEEN):
        yield LEAD
    if head:
        yield head
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


class _Link:
    """A connection on which every failure is an AntivirusUnavailableError."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._sent_bytes = 0
        try:
            self._socket = _connected(url, min(timeout_s, CONNECT_TIMEOUT_S))
        except (OSError, ValueError) as fault:
            raise AntivirusUnavailableError from fault
        self._socket.settimeout(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Nothing is to be heard before all is sent: what answers earlier has not read it all."""
        if select.select([self._socket], [], [], 0)[0]:
            self._refused(None)
        try:
            self._socket.sendall(data)
        except OSError as fault:
            self._refused(fault)
        self._sent_bytes += len(data)

    def answer(self) -> str:
        """All that is said until the other side hangs up, which is one line that ends in NUL."""
        heard, fault = self._hear(time.monotonic() + self._timeout_s)
        if fault or not heard:
            raise self._lost(heard, fault) from fault
        if not heard.endswith(b"\0") or heard.count(b"\0") != 1:
            raise AntivirusUnavailableError("The antivirus did not answer to the end.")
        return heard[:-1].decode("utf-8", "replace")

    def _hear(self, deadline: float) -> tuple[bytes, OSError | None]:
        """What was said, and what ended it, if that was not the other side in good order."""
        heard = b""
        try:
            while len(heard) <= MAX_ANSWER_BYTES:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                if not (more := self._socket.recv(MAX_ANSWER_BYTES)):
                    return heard, None
                heard += more
        except OSError as fault:
            return heard, fault
        raise AntivirusUnavailableError("The antivirus answers without end.")

    def _refused(self, fault: OSError | None) -> NoReturn:
        """clamd stops reading in the middle of a file that is too large for it, says so, and hangs
        up on what still comes: the connection is reset, mostly behind the answer, which can still
        be read, at times before it.
        """
        heard, ended = self._hear(time.monotonic() + self._timeout_s)
        if heard.endswith(b"\0"):
            _verdict(heard[:-1].decode("utf-8", "replace"))
            raise AntivirusUnavailableError("The antivirus answered before it had read the file.")
        raise self._lost(heard, ended) from fault

    def _lost(self, heard: bytes, ended: OSError | None) -> AntivirusUnavailableError:
        """What it means that no whole answer came; `ended` is None where the other side went in
        good order.
        """
        has_gone = not heard and not isinstance(ended, TimeoutError)
        is_cut = has_gone and self._sent_bytes >= CUT_BYTES
        return ScanCutError() if is_cut else AntivirusUnavailableError()


def _connected(url: str, timeout_s: float) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme != "unix":
        place = (parts.hostname or "", parts.port or DEFAULT_PORT)
        return socket.create_connection(place, timeout=timeout_s)
    link = socket.socket(socket.AF_UNIX)
    try:
        link.settimeout(timeout_s)
        link.connect(unquote(parts.path))
    except OSError:
        link.close()
        raise
    return link


def _verdict(answer: str) -> Verdict:
    if answer == "stream: OK":
        return Verdict(is_clean=True)
    if "size limit exceeded" in answer:
        raise ScanLimitError
    name = answer.removeprefix("stream: ").removesuffix(" FOUND")
    if answer != f"stream: {name} FOUND" or not name:
        raise AntivirusUnavailableError("The antivirus does not answer clearly.")
    if name.startswith(NOT_SCANNED):
        raise ScanLimitError
    return Verdict(is_clean=False, signature=name)
