"""Ports of 127.0.0.1."""

import errno
import socket
from random import SystemRandom

from veza.embedded.errors import EmbeddedError

# Below the ports that systems lend to outgoing connections: ours must be free again at a restart.
HIGHEST = 65535
OURS = range(20000, 32768)


def free_port() -> int:
    """A port on which nothing listens. Raises EmbeddedError when there is none."""
    # Not the generator that programs seed: two that seed it alike would take the same port.
    for port in SystemRandom().sample(OURS, len(OURS)):
        if _bind(port) == 0:
            return port
    raise EmbeddedError("No port from 20000 to 32767 is free: stop some program that listens.")


def udp_port(wanted: int) -> int:
    """`wanted` if its UDP side is free, else another one. Raises EmbeddedError."""
    for port in (wanted, *SystemRandom().sample(OURS, len(OURS))):
        if _bind(port, socket.SOCK_DGRAM) == 0:
            return port
    raise EmbeddedError("No UDP port from 20000 to 32767 is free: stop some program that listens.")


def check_port(port: int) -> None:
    """Raise EmbeddedError unless `port` can be listened on."""
    fault = _bind(port)
    if fault == errno.EADDRINUSE:
        raise EmbeddedError(
            f"Port {port} is taken by another program: stop it, or choose another port, "
            f"for example PORT={port + 1 if port < HIGHEST else 8000}."
        )
    if fault:
        raise EmbeddedError(f"Port {port} may not be used here: choose one above 1023 with PORT.")


def _bind(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """0, or why neither this machine nor its loopback can be bound."""
    for host in ("127.0.0.1", ""):
        with socket.socket(socket.AF_INET, kind) as candidate:
            if kind == socket.SOCK_STREAM:  # of UDP several programs could have the port then
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((host, port))
            except OSError as error:
                return error.errno or errno.EACCES
    return 0
