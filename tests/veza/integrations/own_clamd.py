"""Scanners that misbehave: each answers a connection as its script says."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.patience import PATIENCE_S

Script = Callable[[socket.socket], None]


@contextmanager
def fake_clamd(script: Script) -> Iterator[str]:
    """The address of a server that plays `script` with whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server, _serving(server, script):
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def fake_clamd_at(path: Path, script: Script) -> Iterator[None]:
    """The same at a socket of the file system."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with _serving(server, script):
            yield


@contextmanager
def _serving(server: socket.socket, script: Script) -> Iterator[None]:
    thread = threading.Thread(target=_serve, args=(server, script), daemon=True)
    thread.start()
    yield
    server.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE_S)


def _serve(server: socket.socket, script: Script) -> None:
    with suppress(OSError):
        while True:
            link, _ = server.accept()
            link.settimeout(PATIENCE_S)
            with link, suppress(OSError):
                script(link)


def read_stream(link: socket.socket) -> bytes:
    """Everything that INSTREAM sends, to its end."""
    with link.makefile("rb") as wire:
        assert wire.read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack("!I", wire.read(4))[0]:
            content += wire.read(length)
        return content


def says(answer: bytes) -> Script:
    """Reads the whole file, then answers and hangs up."""

    def script(link: socket.socket) -> None:
        read_stream(link)
        link.sendall(answer)

    return script


def says_after(length: int, answer: bytes) -> Script:
    """Reads `length` bytes at least, then answers and says no more. What still comes is taken, or
    the connection would be reset, and the answer lost on the way.
    """

    def script(link: socket.socket) -> None:
        heard = 0
        while heard < length:
            heard += len(link.recv(65536))
        link.sendall(answer)
        link.shutdown(socket.SHUT_WR)
        while link.recv(65536):
            pass

    return script


def hangs_up_after(length: int, answer: bytes) -> Script:
    """As clamd does: reads `length` bytes at least, answers, and closes on what still comes, so
    that the connection is reset.
    """

    def script(link: socket.socket) -> None:
        heard = 0
        while heard < length:
            heard += len(link.recv(65536))
        link.sendall(answer)

    return script


def resets_after(length: int) -> Script:
    """Reads `length` bytes at least and resets the connection without a word."""

    def script(link: socket.socket) -> None:
        hangs_up_after(length, b"")(link)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def hangs(link: socket.socket) -> None:
    """Reads the whole file and never says a word."""
    read_stream(link)
    link.recv(1)


def never_reads(link: socket.socket) -> None:
    """Takes the connection and nothing from it, until the client goes."""
    waiting = threading.Event()
    waiting.wait(3)


def trickles(link: socket.socket) -> None:
    """Answers a letter at a time, for ever."""
    read_stream(link)
    pause = threading.Event()
    while True:
        link.sendall(b"s")
        pause.wait(0.05)


def floods(link: socket.socket) -> None:
    """Answers without end."""
    read_stream(link)
    while True:
        link.sendall(b"stream: OK " * 1000)
