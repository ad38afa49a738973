"""INGESTORs: programs that send what the domains take, many messages a second."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from apps.realtime.domains import Role
from apps.realtime.limits import End, MessageBudget
from apps.realtime.node import Node
from apps.realtime.permissions import RealtimePermission
from apps.realtime.transports.backbone import frames
from apps.realtime.transports.backbone.connection import BackboneConnection, forbidden_role
from apps.realtime.transports.backbone.consumer import JOIN, LEAVE
from apps.realtime.transports.backbone.frames import RefusedError
from apps.realtime.types import ANONYMOUS, Viewer
from veza.kit.asgi.port import Port

PERMISSION = RealtimePermission.INGEST
AUTH_TIMEOUT_S = 10.0
MESSAGES_PER_S = 50_000.0
MESSAGES_AT_ONCE = 100_000.0


class Ingestor(BackboneConnection):
    """Good messages are not answered. Without a token it is closed after AUTH_TIMEOUT_S."""

    transport = "ingest"
    role = Role.INGESTOR

    def __init__(self, *, port: Port, node: Node, viewer: Viewer) -> None:
        budget = MessageBudget(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)
        super().__init__(port=port, node=node, viewer=ANONYMOUS, budget=budget)
        self._timer = asyncio.get_running_loop().call_later(AUTH_TIMEOUT_S, self._is_late)
        if not viewer.is_anonymous:
            self._become(viewer)

    def forget(self) -> None:
        super().forget()
        self._timer.cancel()

    def _run(self, frame: dict[str, Any]) -> Awaitable[None] | None:
        if self.viewer.is_anonymous and frame["type"] != "auth":
            raise _unauthenticated()
        return super()._run(frame)

    def _command(self, name: str, frame: dict[str, Any]) -> Awaitable[None] | None:
        if name in JOIN or name in LEAVE:
            raise forbidden_role(self.role)
        return super()._command(name, frame)

    def _become(self, viewer: Viewer) -> None:
        if PERMISSION not in viewer.permissions:
            refused = RefusedError("forbidden_role", f"The token has no permission {PERMISSION}.")
            self.answer(frames.error(refused))
            self.end(End.INVALID_TOKEN)
            return
        super()._become(viewer)
        self._timer.cancel()

    def _is_late(self) -> None:
        self.end(End.NO_TOKEN)


def _unauthenticated() -> RefusedError:
    detail = 'Send {"type":"auth","token":...} first, or a token in the header Authorization.'
    return RefusedError("unauthenticated", detail)
