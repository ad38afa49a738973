"""`/ws` and `/ws/ingest`: ASGI applications.

A frame is read and acted upon by one plain call in the socket's task; what is published goes
through the hub, so nobody has a task or a queue of his own.
"""

from collections.abc import Awaitable

from apps.realtime.node import node
from apps.realtime.transports import admission
from apps.realtime.transports.backbone.connection import BINARY, BackboneConnection
from apps.realtime.transports.backbone.consumer import Consumer
from apps.realtime.transports.backbone.ingestor import Ingestor
from veza.kit.asgi.port import port_of
from veza.kit.asgi.refusals import Message, Receive, RefusalError, Scope, Send

FRAMES_IN_A_ROW = 16
"""So many frames of one socket are taken before others get their turn."""

_CONNECTIONS = {"/ws": Consumer, "/ws/ingest": Ingestor}
PATHS = tuple(_CONNECTIONS)


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """One socket, from the handshake to its end."""
    await receive()
    here = node()
    try:
        await admission.admit_socket(scope, here)
    except RefusalError as refusal:
        await admission.refuse_socket(refusal, scope=scope, send=send)
        return
    viewer, failure = await admission.identify_socket(scope)
    port = port_of(scope, send)
    await send({"type": "websocket.accept"})
    connection = _CONNECTIONS[scope["path"]](port=port, node=here, viewer=viewer)
    del scope  # with the headers; the call lasts as long as the connection
    here.connections.add(connection)
    if failure is not None:
        connection.end(failure)
    taken = 0
    try:  # in no coroutine of its own, for the same reason
        while (event := await receive())["type"] == "websocket.receive":
            if (waits := _take(connection, event)) is not None:
                await waits
                del waits  # done, but with all that it had
            taken += 1
            if taken % FRAMES_IN_A_ROW == 0:
                await connection.give_way()
    finally:
        connection.forget()


def _take(connection: BackboneConnection, event: Message) -> Awaitable[None] | None:
    """One frame; what it returns is to be awaited before the next."""
    if not connection.is_open:
        return None
    text = event.get("text")
    if text is None:
        connection.close(BINARY, "text frames only")
        return None
    return connection.take(text)
