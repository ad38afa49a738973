"""What makes streams elsewhere: the port. The adapter is STREAM_SERVER_BACKEND's."""

from django.conf import settings

from veza.integrations.stream_server.port import Job, StreamServer, StreamServerUnavailableError
from veza.kit.backends import backend

__all__ = ["Job", "StreamServer", "StreamServerUnavailableError", "stream_server"]


def stream_server() -> StreamServer | None:
    """The stream server of this installation; None where its own media worker makes streams."""
    if not settings.STREAM_SERVER_URL:
        return None
    adapter: StreamServer = backend("STREAM_SERVER_BACKEND")
    return adapter
