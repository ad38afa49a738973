"""The way between a browser and the server, which can be cut."""

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.patience import PATIENCE_S

CHUNK = 16 * 1024


class Cable:
    """A port that leads to another one. `cut_after` ends all connections, and takes no new ones
    until it is mended.
    """

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._left: int | None = None
        self._whole = threading.Event()
        self._whole.set()
        self._severed = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_after(self, sent: int) -> None:
        """Once the browser has sent so many bytes more."""
        self._left = sent

    def wait_until_cut(self) -> None:
        """Until it has carried that much."""
        assert self._severed.wait(PATIENCE_S), "the browser sends nothing"

    def mend(self) -> None:
        self._left = None
        self._severed.clear()
        self._whole.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # `accept` returns
        self._listener.close()
        self._drop()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                here, _ = self._listener.accept()
                if not self._whole.is_set():
                    here.close()
                    continue
                there = socket.create_connection(self._to)
                with self._lock:
                    self._open |= {here, there}
                for pair in ((here, there, True), (there, here, False)):
                    thread = threading.Thread(target=self._carry, args=pair, daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _carry(self, source: socket.socket, target: socket.socket, is_sent: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                target.sendall(data)
                if is_sent and self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self._whole.clear()
                        self._drop()
                        self._severed.set()
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextlib.contextmanager
def cable(to_port: int) -> Iterator[Cable]:
    """One for a while."""
    made = Cable(to_port)
    try:
        yield made
    finally:
        made.close()
