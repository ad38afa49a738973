"""The words of chat that other apps may use too."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class ChatClaims:
    """What a chat token says, once it is checked."""

    user_id: UUID
    session_id: UUID
    username: str
    roles: tuple[str, ...]
    rooms: tuple[str, ...]
    """Those it is for; none: all that its user may join."""
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ChatToken:
    """What a client hands to the chat server; `expires_in` in seconds."""

    token: str
    expires_in: int
