"""The door for other apps: declare rooms, send what is not a fact, watch facts go by.

Facts are not sent from here: `apps.events.services.publish` is the only way for them.
"""

from collections.abc import Callable, Collection
from typing import Any

from apps.realtime import node as nodes
from apps.realtime.rooms import everyone, room
from apps.realtime.types import Viewer
from apps.realtime.watchers import watch_facts

__all__ = [
    "broadcast", "check_viewers", "end_connection", "end_session", "everyone", "expel", "room",
    "set_last_value", "watch_facts",
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


def check_viewers(
    check: Callable[[Collection[Viewer]], Collection[str]], *, user_id: str | None = None
) -> None:
    """Have `check` say, in a thread, in which sessions whoever is connected to this process may no
    longer be what he was when he came: what is open under these is closed (3500).

    It is shown everybody who is signed in, or this user alone. To be called by who watches facts.
    """
    nodes.node().check_viewers(check, user_id=user_id)


def expel(room: str) -> None:
    """Ask the rule of the room again for each of its members; who may no longer join is put out."""
    nodes.node().ask_again(room)


def end_connection(name: str) -> None:
    """Close a connection, by the name that `selectors.list_connections` gives; on every process."""
    nodes.end_connection_anywhere(name)
