"""Plain Channels: consumers in groups, `group_send` over the layer that VEZA_LOAD_LAYER names.

python -m deploy.load.peers.channels_app PORT
"""

import os
import sys
from typing import Any

import django
import uvicorn
from channels.generic.websocket import AsyncJsonWebsocketConsumer  # type: ignore[import-untyped]
from django.conf import settings

_LAYERS: dict[str, dict[str, Any]] = {
    "memory": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 10_000},
    },
    "redis": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [os.environ.get("REDIS_URL", "")], "prefix": "veza-load"},
    },
}


class Member(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Joins the room that it is told, and hands on what others are told to send to it."""

    groups: list[str] = []
    room = ""

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        if "join" in content:
            self.room = content["join"]
            await self.channel_layer.group_add(self.room, self.channel_name)
        else:
            await self.channel_layer.group_send(
                content["room"], {"type": "room.message", "message": content}
            )

    async def disconnect(self, code: int) -> None:
        if self.room:
            await self.channel_layer.group_discard(self.room, self.channel_name)

    async def room_message(self, event: dict[str, Any]) -> None:
        """One member's share of a message."""
        await self.send_json(event["message"])


def serve(port: int) -> None:
    """Until killed."""
    settings.configure(CHANNEL_LAYERS={"default": _LAYERS[os.environ["VEZA_LOAD_LAYER"]]})
    django.setup()
    uvicorn.run(
        Member.as_asgi(),
        port=port,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="error",
        access_log=False,
        backlog=4096,
    )


if __name__ == "__main__":
    serve(int(sys.argv[1]))
