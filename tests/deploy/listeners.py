"""Small servers to probe: each answers what it is given, whatever it is asked."""

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def listener(*answers: bytes, speaks_first: bool = False) -> Iterator[int]:
    """A port that gives one answer to each thing it hears; then it hangs up. None: silence."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, answers, speaks_first))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)  # wakes accept()
            thread.join()


def _serve(server: socket.socket, answers: tuple[bytes, ...], speaks_first: bool) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                _talk(connection, answers, speaks_first)


def _talk(connection: socket.socket, answers: tuple[bytes, ...], speaks_first: bool) -> None:
    for number, answer in enumerate(answers):
        if number or not speaks_first:
            connection.recv(4096)
        connection.sendall(answer)
    if not answers:
        connection.recv(4096)
        connection.recv(4096)  # until the other end gives up
