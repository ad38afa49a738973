"""One socket of the backbone, whatever its role: frames in, answers out, limits, the end."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from django.db import DatabaseError

from apps.realtime import authentication
from apps.realtime.domains import InvalidFieldError, MessageType, Role, Sender, find
from apps.realtime.errors import TokenExpiredError, TokenInvalidError
from apps.realtime.limits import MAX_FRAME_BYTES, End, MessageBudget
from apps.realtime.node import Node
from apps.realtime.transports.backbone import frames
from apps.realtime.transports.backbone.frames import MalformedError, RefusedError
from apps.realtime.types import Position, Viewer
from veza.kit.asgi.port import Port, text_frame

NOT_JSON = 1007
BINARY = 1003
TOO_FAST = RefusedError("rate_limited", "That is too fast: wait a moment.")


class BackboneConnection:
    """`take` is given every text frame in turn; what it returns is to be awaited before the next.

    It is the `Connection` that the node knows, too.
    """

    transport: str
    role: Role

    def __init__(self, *, port: Port, node: Node, viewer: Viewer, budget: MessageBudget) -> None:
        self.viewer = viewer
        self._port = port
        self._node = node
        self._budget = budget

    @property
    def is_open(self) -> bool:
        return self._port.is_open

    @property
    def rooms(self) -> list[str]:
        """See limits.Connection."""
        return []

    def take(self, text: str) -> Awaitable[None] | None:
        """One frame. Whatever is wrong with it is answered, or ends the connection."""
        if len(text) > MAX_FRAME_BYTES:
            self.end(End.TOO_LARGE)
            return None
        if not self._budget.spend():
            self.answer(frames.error(TOO_FAST))
            return None
        try:
            return self._run(frames.read(text))
        except MalformedError:
            self.close(NOT_JSON, "not JSON")
        except RefusedError as refused:
            self.answer(frames.error(refused))
        return None

    async def give_way(self) -> None:
        """Let others have their turn, and the other processes get what this one has sent."""
        await self._node.fanout.has_room()
        await asyncio.sleep(0)

    def answer(self, document: bytes) -> None:
        """Send this to the client, behind what was published before."""
        self._node.hub.flush()
        self._port.write(self._framed(document))

    @staticmethod
    def _framed(document: bytes) -> bytes:
        """One document as it stands on the port."""
        return text_frame(document)

    def close(self, code: int, reason: str) -> None:
        """Nothing follows. A repeat is harmless."""
        self._port.close(code=code, reason=reason)
        self.forget()

    def forget(self) -> None:
        """The connection has gone."""
        self._node.connections.discard(self)

    def end(self, reason: End) -> None:
        self.close(reason.code, reason.reason)

    def reset(self, log: str, head: Position, reason: str) -> None:
        """Programs see from `epoch` that positions begin anew."""

    def expel(self, room: str) -> None:
        """Only consumers are in rooms."""

    def _command(self, name: str, frame: dict[str, Any]) -> Awaitable[None] | None:
        """Do what a frame of this type asks for. Raises RefusedError."""
        self._deliver(self._message_type(name), frame, Sender(viewer=self.viewer))
        return None

    def _run(self, frame: dict[str, Any]) -> Awaitable[None] | None:
        name = frame["type"]
        if name == "auth":
            return self._guarded(self._authenticate(frame))
        if name == "ping":
            self.answer(frames.pong())
            return None
        return self._command(name, frame)

    async def _guarded(self, step: Awaitable[None]) -> None:
        """For what cannot be done at once."""
        try:
            await step
        except RefusedError as refused:
            self.answer(frames.error(refused))

    async def _authenticate(self, frame: dict[str, Any]) -> None:
        token = frame.get("token")
        if not isinstance(token, str) or not token:
            raise RefusedError("invalid_field", "token: an access token")
        try:
            viewer = await authentication.authenticate(token)
        except TokenInvalidError:
            self.end(End.INVALID_TOKEN)
        except TokenExpiredError:
            self.end(End.OUTDATED_TOKEN)
        except DatabaseError:
            self.end(End.INTERNAL)
        else:
            self._become(viewer)

    def _become(self, viewer: Viewer) -> None:
        if self.viewer.user_id not in (None, viewer.user_id):
            raise RefusedError("invalid_field", "token: it is another user's than before")
        self.viewer = viewer
        if self.is_open:
            self._node.connections.add(self)

    def _message_type(self, name: str) -> MessageType[Any]:
        """The type of a domain that this role may send. Raises RefusedError."""
        found = find(name)
        if found is None:
            raise RefusedError("unknown_type", f"There are no messages of the type {name[:40]!r}.")
        if found.sent_by is not self.role:
            raise forbidden_role(self.role)
        return found

    @staticmethod
    def _deliver(message_type: MessageType[Any], frame: dict[str, Any], sender: Sender) -> None:
        """Raises RefusedError."""
        try:
            message = message_type.validate(frame)
        except InvalidFieldError as fault:
            raise RefusedError("invalid_field", str(fault)) from None
        message_type.handle(message, sender)


def forbidden_role(role: Role) -> RefusedError:
    """The refusal of what only the other role may do."""
    return RefusedError("forbidden_role", f"A connection of the role {role.value} may not do this.")
