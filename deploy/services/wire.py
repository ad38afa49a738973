"""Asks a port one question, to learn what listens there."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

PATIENCE_S = 3.0
MAX_ANSWER_BYTES = 65_536
TLS_SCHEMES = {"rediss", "amqps", "tls"}


class State(Enum):
    """What a port turned out to be."""

    USABLE = "usable"
    REFUSED = "refused"
    TAKEN = "taken"
    SILENT = "silent"


@dataclass(frozen=True)
class Finding:
    """The answer to a probe; `detail` is a phrase for people."""

    state: State
    detail: str = ""

    @property
    def is_usable(self) -> bool:
        return self.state is State.USABLE


Probe = Callable[[str], Finding]
Conversation = Callable[[socket.socket], Finding]

USABLE = Finding(State.USABLE)


def refused(why: str) -> Finding:
    """It speaks the protocol, and does not let us work."""
    return Finding(State.REFUSED, why)


def taken(by_what: str) -> Finding:
    """Something else listens there."""
    return Finding(State.TAKEN, by_what)


def converse(url: str, conversation: Conversation) -> Finding:
    """Open a connection to `url` and let `conversation` judge what is at the other end."""
    try:
        with contextlib.closing(_connect(url)) as connection:
            try:
                return conversation(connection)
            except TimeoutError:
                return taken("what listens there does not answer")
            except OSError as error:
                return taken(f"what listens there hangs up ({_reason(error)})")
    except ssl.SSLError as error:
        return taken(f"what listens there does not speak TLS ({_reason(error)})")
    except OSError as error:
        return Finding(State.SILENT, f"nothing listens there ({_reason(error)})")


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return _connect_locally(parts.path)
    if not parts.hostname or not parts.port:
        raise OSError("the URL names no host or no port")
    plain = socket.create_connection((parts.hostname, parts.port), PATIENCE_S)
    if parts.scheme not in TLS_SCHEMES:
        return plain
    return ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)


def _connect_locally(path: str) -> socket.socket:
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        local.settimeout(PATIENCE_S)
        local.connect(path)
    except OSError:
        local.close()
        raise
    return local


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def receive(connection: socket.socket, *, until: Callable[[bytes], bool]) -> bytes:
    """What arrives until it satisfies `until`, or the other end has finished."""
    answer = b""
    for piece in _pieces(connection):
        answer += piece
        if until(answer) or len(answer) > MAX_ANSWER_BYTES:
            break
    return answer


def _pieces(connection: socket.socket) -> Iterator[bytes]:
    while piece := connection.recv(4096):
        yield piece


def receive_line(connection: socket.socket) -> bytes:
    return receive(connection, until=lambda answer: b"\n" in answer)
