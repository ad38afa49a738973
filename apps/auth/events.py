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
class RolePermissionsChanged(Fact):
    """Whoever remembers what somebody may do reads it again."""

    name: ClassVar = "role.permissions_changed"
    about: ClassVar = "An admin has changed what everybody with a role may do."
    example: ClassVar = {"role": "operator", "given": ("audit.read",), "taken": ()}

    role: str
    given: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ExportRequested(Fact):
    """A worker makes the copy."""

    name: ClassVar = "user.export_requested"
    about: ClassVar = "Someone wants a copy of all that the platform holds on him."

    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class UserDeleted(Fact):
    """Whoever holds something on him erases it now, or makes it nobody's."""

    name: ClassVar = "user.deleted"
    about: ClassVar = "An account is gone for good; what it was called is not told."

    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class AccessTokenCreated(Fact):
    """The token itself is shown once, to who made it."""

    name: ClassVar = "access_token.created"
    about: ClassVar = "Someone has made a token with which programs act for him."
    rooms: ClassVar = ("user:{id}",)
    example: ClassVar = {"title": "Studio backup", "scopes": ("read",)}

    access_token_id: UUID
    user_id: UUID
    title: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AccessTokenRevoked(Fact):
    """What is open under it is to be closed."""

    name: ClassVar = "access_token.revoked"
    about: ClassVar = "A token for programs works no more."
    rooms: ClassVar = ("user:{id}",)

    access_token_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class VerificationRequested(Fact):
    """The mail with the key is made from the state at that time; no key stands in a fact."""

    name: ClassVar = "user.verification_requested"
    about: ClassVar = "Someone wants the mail that verifies his address once more."

    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class PasswordResetRequested(Fact):
    """Published for accounts that there are; the answer to the request does not tell."""

    name: ClassVar = "user.password_reset_requested"
    about: ClassVar = "Someone wants to choose a new password for an account."

    user_id: UUID


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
