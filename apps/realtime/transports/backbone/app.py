"""`/ws` and `/ws/ingest`: ASGI applications.

A frame is read and acted upon by one plain call in the socket's task; what is published goes
through the hub, so nobody has a task or a queue of his own.
"""

from typing import Any

from apps.realtime.node import node
from apps.realtime.transports import admission
from apps.realtime.transports.backbone.connection import BINARY, BackboneConnection
from apps.realtime.transports.backbone.consumer import Consumer
from apps.realtime.transports.backbone.ingestor import Ingestor
from veza.kit.asgi.port import port_of
from veza.kit.asgi.refusals import Receive, RefusalError, Scope, Send

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
    here.connections.add(connection)
    if failure is not None:
        connection.end(failure)
    try:
        await _take_all(connection, receive)
    finally:
        connection.forget()


async def _take_all(connection: BackboneConnection, receive: Receive) -> None:
    taken = 0
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        if not connection.is_open:
            continue
        text: Any = event.get("text")
        if text is None:
            connection.close(BINARY, "text frames only")
            continue
        waits = connection.take(text)
        if waits is not None:
            await waits
        taken += 1
        if taken % FRAMES_IN_A_ROW == 0:
            await connection.give_way()
