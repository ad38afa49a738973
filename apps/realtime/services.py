"""The door for other apps: declare rooms, send what is not a fact, watch facts go by.

Facts are not sent from here: `apps.events.services.publish` is the only way for them.
"""

from typing import Any

from apps.realtime import node as nodes
from apps.realtime.rooms import everyone, room
from apps.realtime.watchers import watch_facts

__all__ = [
    "broadcast", "end_connection", "end_session", "everyone", "expel", "room", "set_last_value",
    "watch_facts",
]  # fmt: skip


def broadcast(room: str, type: str, data: Any) -> None:  # noqa: A002 - the term of the contract
    """Tell everyone in the room, on every process, something that nobody may rely on.

    Never waits and never fails; lost where Redis or the process is away. From any thread.
    """
    nodes.broadcast(room, type, data)


def set_last_value(room: str, data: Any) -> None:
    """Keep the room's last value for LAST_VALUE_TTL_S; `broadcast` tells it to those who listen.

    Never waits within a web process, and never fails. From any thread.
    """
    nodes.set_last_value(room, data)


def end_session(session_id: str) -> None:
    """Close what is open under this session on this process (3500)."""
    nodes.end_session(session_id)


def expel(room: str) -> None:
    """Ask the rule of the room again for each of its members; who may no longer join is put out."""
    nodes.node().ask_again(room)


def end_connection(name: str) -> None:
    """Close a connection, by the name that `selectors.list_connections` gives; on every process."""
    nodes.end_connection_anywhere(name)
