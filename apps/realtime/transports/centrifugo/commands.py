"""What each command of a connected client does. An answer is given in the same step of the event
loop in which it becomes true, so that no push comes before it or is missing after it.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from apps.realtime import domains, rooms
from apps.realtime.authentication import authenticate
from apps.realtime.errors import TokenExpiredError, TokenInvalidError
from apps.realtime.limits import End
from apps.realtime.rooms import RoomRule
from apps.realtime.transports.centrifugo import history
from apps.realtime.transports.centrifugo.codes import (
    BAD_REQUEST,
    LIMIT_EXCEEDED,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
    UNKNOWN_CHANNEL,
    CommandError,
    EndError,
)  # fmt: skip
from apps.realtime.transports.centrifugo.connection import Connection
from apps.realtime.transports.centrifugo.heartbeat import wheel_of
from apps.realtime.transports.centrifugo.json_codec import RawJSON
from apps.realtime.transports.centrifugo.session import Command
from apps.realtime.transports.centrifugo.subscribing import subscribe
from apps.realtime.types import Viewer
from veza.integrations.room_state import Member

MESSAGE = "message"
"""What is published to a room is a message of this type to the room's domain."""
MAX_PRESENCE = 1000


async def run(connection: Connection, command: Command) -> None:
    """Do it and answer. Raises CommandError and EndError."""
    handler = _HANDLERS.get(command.method)
    if handler is None:
        raise CommandError(METHOD_NOT_FOUND)
    await handler(connection, command)


async def room_rule(connection: Connection, channel: str) -> RoomRule:
    """The rule of a channel in which the client may be. Raises CommandError."""
    if not channel:
        raise CommandError(BAD_REQUEST)
    rule = rooms.resolve(channel)
    if rule is None or not await rooms.may_join(channel, connection.viewer):
        raise CommandError(UNKNOWN_CHANNEL)
    return rule


async def _connect(connection: Connection, command: Command) -> None:
    viewer = await _viewer(command.request.get("token", ""))
    connection.answer(command, connection.session.connect(viewer, unix_now=time.time()))
    connection.node.connections.add(connection)
    wheel_of(connection.node).add(connection)


async def _refresh(connection: Connection, command: Command) -> None:
    token = command.request.get("token", "")
    if not token:
        raise CommandError(BAD_REQUEST)
    viewer = await _viewer(token)
    connection.answer(command, connection.session.refresh(viewer, unix_now=time.time()))
    connection.node.connections.add(connection)


async def _viewer(token: str) -> Viewer:
    try:
        return await authenticate(token, on_application_socket=True)
    except TokenExpiredError:
        raise CommandError(TOKEN_EXPIRED) from None
    except TokenInvalidError:
        raise EndError(End.INVALID_TOKEN) from None


async def _subscribe(connection: Connection, command: Command) -> None:
    channel = command.request.get("channel", "")
    if command.request.get("type"):
        raise CommandError(NOT_AVAILABLE)
    connection.session.check_channel(channel)
    rule = await room_rule(connection, channel)
    await subscribe(connection, command, rule)


async def _unsubscribe(connection: Connection, command: Command) -> None:
    connection.leave(command.request.get("channel", ""))
    connection.answer(command, {})


async def _publish(connection: Connection, command: Command) -> None:
    channel = command.request.get("channel", "")
    rule = rooms.resolve(channel)
    if rule is not None and rule.may_publish is None:
        raise CommandError(PERMISSION_DENIED)
    await room_rule(connection, channel)
    if not await rooms.may_publish(channel, connection.viewer):
        raise CommandError(PERMISSION_DENIED)
    say = domains.find(MESSAGE)
    if say is None:
        raise CommandError(PERMISSION_DENIED)
    frame = {"type": MESSAGE, "room": channel, "data": _said(command.request.get("data"))}
    try:
        content = say.validate(frame)
    except domains.InvalidFieldError:
        raise CommandError(BAD_REQUEST) from None
    connection.answer(command, {})
    say.handle(content, domains.Sender(viewer=connection.viewer, room=channel))


def _said(data: Any) -> Any:
    """A text alone, or as it comes out of the room again."""
    return data.get("text") if isinstance(data, dict) else data


async def _presence(connection: Connection, command: Command) -> None:
    channel = await _channel_with_presence(connection, command)
    if (await connection.node.presence.count(channel)).clients > MAX_PRESENCE:
        raise CommandError(LIMIT_EXCEEDED)
    members = await connection.node.presence.members(channel)
    found = {member.client: _client_info(member) for member in members}
    connection.answer(command, {"presence": found})


async def _presence_stats(connection: Connection, command: Command) -> None:
    channel = await _channel_with_presence(connection, command)
    count = await connection.node.presence.count(channel)
    connection.answer(command, {"num_clients": count.clients, "num_users": count.users})


async def _channel_with_presence(connection: Connection, command: Command) -> str:
    channel: str = command.request.get("channel", "")
    rule = await room_rule(connection, channel)
    if not rule.has_presence:
        raise CommandError(NOT_AVAILABLE)
    return channel


def _client_info(member: Member) -> dict[str, Any]:
    info: dict[str, Any] = {"client": member.client, "user": member.user}
    return info | {"conn_info": RawJSON(member.info)} if member.info else info


async def _history(connection: Connection, command: Command) -> None:
    channel = command.request.get("channel", "")
    rule = await room_rule(connection, channel)
    if rule.keeps != "facts":
        raise CommandError(NOT_AVAILABLE)
    connection.answer(command, await history.read(connection.node, channel, command.request))


async def _ping(connection: Connection, command: Command) -> None:
    connection.answer(command, {})


async def _send(connection: Connection, command: Command) -> None:
    return


_HANDLERS: dict[str, Callable[[Connection, Command], Awaitable[None]]] = {
    "connect": _connect,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "publish": _publish,
    "presence": _presence,
    "presence_stats": _presence_stats,
    "history": _history,
    "refresh": _refresh,
    "ping": _ping,
    "send": _send,
}
