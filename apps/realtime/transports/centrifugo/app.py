"""`/connection/websocket`: the ASGI application. A connection's commands are done one by one."""

import logging
import random
from typing import Any

from apps.realtime.limits import MAX_FRAME_BYTES, End
from apps.realtime.node import Node, node
from apps.realtime.transports import admission
from apps.realtime.transports.centrifugo import commands
from apps.realtime.transports.centrifugo.codes import (
    INTERNAL,
    TOO_MANY_REQUESTS,
    CommandError,
    EndError,
)  # fmt: skip
from apps.realtime.transports.centrifugo.connection import Connection
from apps.realtime.transports.centrifugo.handshake import chosen_wire
from apps.realtime.transports.centrifugo.heartbeat import wheel_of
from apps.realtime.transports.centrifugo.schema import MalformedError
from apps.realtime.transports.centrifugo.session import Command, Session
from veza.kit.asgi.port import port_of
from veza.kit.asgi.refusals import Message, Receive, RefusalError, Scope, Send
from veza.kit.models import new_id

logger = logging.getLogger(__name__)

PATHS = ("/connection/websocket",)


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """One socket, from the handshake to its end."""
    await receive()
    here = node()
    try:
        await admission.admit_socket(scope, here)
    except RefusalError as refusal:
        await admission.refuse_socket(refusal, scope=scope, send=send)
        return
    connection = await _accept(scope, send, here)
    del scope  # with the headers; the call lasts as long as the connection
    here.connections.add(connection)
    wheel_of(here).add(connection)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            if connection.is_open:
                await take_frame(connection, event)
    finally:
        wheel_of(here).discard(connection)
        connection.go()


async def take_frame(connection: Connection, event: Message) -> None:
    """Do what the commands of a frame ask for; whatever is wrong with them ends here."""
    connection.session.hear()
    if len(event.get("text") or event.get("bytes") or "") > MAX_FRAME_BYTES:
        connection.end(End.TOO_LARGE)  # our own server does not let it come so far
        return
    try:
        for message in connection.codec.decode(event):
            await _take(connection, message)
    except MalformedError:
        connection.end(End.BAD_REQUEST)
    except EndError as fault:
        connection.end(fault.end)


async def _accept(scope: Scope, send: Send, here: Node) -> Connection:
    wire, subprotocol = chosen_wire(scope)
    port = port_of(scope, send)
    port.stop_pings()
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    session = Session(client=str(new_id()), now=here.loop.time(), chance=random.random())  # noqa: S311
    return Connection(node=here, port=port, wire=wire, session=session)


async def _take(connection: Connection, message: dict[str, Any]) -> None:
    await connection.has_room()
    if not connection.is_open:
        return
    command = connection.session.accept(message)
    if command is None:
        return
    if not connection.may_ask():
        connection.refuse(command, TOO_MANY_REQUESTS)
        return
    await _run(connection, command)


async def _run(connection: Connection, command: Command) -> None:
    try:
        await commands.run(connection, command)
    except CommandError as refused:
        connection.refuse(command, refused.failure)
    except EndError:
        raise
    except Exception:  # a bug, or a database that is away: the client tries again
        logger.exception("centrifugo_command_failed method=%s", command.method)
        connection.refuse(command, INTERNAL)
