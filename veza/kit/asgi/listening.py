"""The socket on which a web process listens."""

import errno
import socket

from veza.kit.asgi.server import BACKLOG


class PortError(Exception):
    """The port cannot be had; the message is one sentence that says what to do."""


def listen(*, host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise PortError(advice(error, host=host, port=port)) from None


def address(listener: socket.socket) -> str:
    """Where clients on this machine find it."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)  # noqa: S104 - compared, not bound
    return f"http://{shown or (f'[{host}]' if ':' in host else host)}:{port}"


def advice(error: OSError, *, host: str, port: int) -> str:
    """Why the port cannot be had, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is taken by another program: stop it, or choose another port "
            f"with --port."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used by this user: choose one above 1023 with --port."
    return f"{host} port {port} cannot be listened on ({error.strerror}): choose another --host."
