"""Joining a channel: what was missed, then everything from there on."""

from typing import Any

from apps.realtime.domains import last_value_message
from apps.realtime.errors import LogUnavailableError
from apps.realtime.recovery import Lost, Recovered
from apps.realtime.rooms import RoomRule
from apps.realtime.transports.centrifugo.codes import (
    INTERNAL,
    UNRECOVERABLE_POSITION,
    CommandError,
)
from apps.realtime.transports.centrifugo.connection import Connection
from apps.realtime.transports.centrifugo.session import Command
from apps.realtime.transports.centrifugo.wire import publication
from apps.realtime.types import Position

MAX_RECOVERED = 300
MAX_RECOVERED_BYTES = 512 * 1024
"""More would not fit into what may wait for a client."""
REJECT_UNRECOVERED = 2
"""The bit of `flag` that asks for an error instead of `recovered: false`."""


async def subscribe(connection: Connection, command: Command, rule: RoomRule) -> None:
    """Join a channel that the client may be in, and answer. Raises CommandError."""
    if rule.keeps == "facts":
        await _with_facts(connection, command)
    elif rule.keeps == "last_value":
        await _with_last_value(connection, command)
    else:
        _join(connection, command)
        connection.answer(command, {})
    connection.enter(command.request["channel"])


async def _with_facts(connection: Connection, command: Command) -> None:
    request = command.request
    channel = request["channel"]
    is_recovering = request.get("recover", False)
    after = Position(request.get("offset", 0), request.get("epoch", ""))
    try:
        found = await connection.node.recover(
            [channel], after if is_recovering else None, MAX_RECOVERED
        )
    except LogUnavailableError:
        raise CommandError(INTERNAL) from None
    # No await from here on: `found` is exact now.
    reply: dict[str, Any] = {
        "recoverable": True, "positioned": True, "epoch": found.head.epoch,
        "offset": found.head.offset,
    }  # fmt: skip
    if is_recovering:
        reply |= _recovery(channel, after, found)
        if not reply.get("recovered") and request.get("flag", 0) & REJECT_UNRECOVERED:
            raise CommandError(UNRECOVERABLE_POSITION)
    _join(connection, command)
    connection.answer(command, reply)


def _recovery(channel: str, after: Position, found: Recovered | Lost) -> dict[str, Any]:
    """With publications the offset is the one that was asked for: the client moves it with each."""
    reply: dict[str, Any] = {"was_recovering": True}
    if isinstance(found, Lost):
        return reply
    publications = [publication(channel, message) for message in found.messages]
    if sum(len(each["data"]) for each in publications) > MAX_RECOVERED_BYTES:
        return reply
    reply["recovered"] = True
    if publications:
        reply |= {"offset": after.offset, "publications": publications}
    return reply


async def _with_last_value(connection: Connection, command: Command) -> None:
    """The last value is all there is to recover, and is told to whoever comes."""
    channel = command.request["channel"]
    node = connection.node
    connection.hold()  # a value that comes while the last one is read comes after it
    try:
        _join(connection, command)
        found = await node.last_values.get([channel])
        reply: dict[str, Any] = {
            "recoverable": True, "positioned": True, "epoch": node.head.epoch,
        }  # fmt: skip
        if channel in found:
            value = last_value_message(channel, found[channel])
            reply["publications"] = [publication(channel, value)]
        if command.request.get("recover"):
            reply |= {"was_recovering": True, "recovered": channel in found}
        connection.answer(command, reply)
    finally:
        connection.release()


def _join(connection: Connection, command: Command) -> None:
    connection.join(
        command.request["channel"], wants_presence=command.request.get("join_leave", False)
    )
