"""Facts about people and their sessions. None holds an e-mail address or a network address."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.auth.types import RevokedReason
from apps.events.types import Fact


@dataclass(frozen=True, kw_only=True)
class UserCreated(Fact):
    """Published with the account."""

    name: ClassVar = "user.created"
    about: ClassVar = "Someone has registered, or was registered by an operator."
    rooms: ClassVar = ("user:{id}",)
    example: ClassVar = {"username": "ada"}

    user_id: UUID
    username: str


@dataclass(frozen=True, kw_only=True)
class UserUpdated(Fact):
    """`changed` names what, and the present state is to be read."""

    name: ClassVar = "user.updated"
    about: ClassVar = "The profile, the roles or the standing of a user has changed."
    rooms: ClassVar = ("user:{id}",)
    example: ClassVar = {"username": "ada", "changed": ("bio", "links")}

    user_id: UUID
    username: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SessionCreated(Fact):
    """Published with the session."""

    name: ClassVar = "session.created"
    about: ClassVar = "Someone has signed in."
    rooms: ClassVar = ("user:{id}",)

    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Fact):
    """What is open under this session is to be closed."""

    name: ClassVar = "session.revoked"
    about: ClassVar = "A session has ended before its time: its tokens no longer work."
    rooms: ClassVar = ("user:{id}",)
    example: ClassVar = {"reason": RevokedReason.LOGOUT}

    session_id: UUID
    user_id: UUID
    reason: RevokedReason
