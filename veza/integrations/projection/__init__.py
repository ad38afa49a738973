"""The projection of rounds. The adapter is PROJECTION_BACKEND's."""

from veza.integrations.projection.port import (
    EVERY,
    HELD,
    Announcement,
    Batch,
    Effect,
    FeedBounds,
    FeedRow,
    Projection,
    ProjectionOvertakenError,
    ProjectionUnavailableError,
    RoomRows,
    State,
    Turn,
)
from veza.kit.backends import backend

__all__ = [
    "EVERY", "HELD", "Announcement", "Batch", "Effect", "FeedBounds", "FeedRow", "Projection",
    "ProjectionOvertakenError", "ProjectionUnavailableError", "RoomRows", "State", "Turn",
    "projection",
]  # fmt: skip


def projection() -> Projection:
    """The projection as this process reaches it."""
    adapter: Projection = backend("PROJECTION_BACKEND")
    return adapter
