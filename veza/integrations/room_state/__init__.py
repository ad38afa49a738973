"""Presence and last values, shared by the processes. The adapter is ROOM_STATE_BACKEND's."""

from veza.integrations.room_state.port import (
    Count,
    Member,
    RoomState,
    RoomStateUnavailableError,
)
from veza.kit.backends import backend

__all__ = ["Count", "Member", "RoomState", "RoomStateUnavailableError", "room_state"]


def room_state() -> RoomState:
    """The state as this process sees it."""
    adapter: RoomState = backend("ROOM_STATE_BACKEND")
    return adapter
