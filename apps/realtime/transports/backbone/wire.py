"""How the hub's messages stand on a backbone socket."""

from apps.realtime.transports.backbone import frames
from apps.realtime.transports.backbone.names import INSTRUMENTS
from apps.realtime.types import Message
from veza.kit.asgi.port import text_frame


class BackboneWire:
    """One message a text frame; instruments under the name that the client used."""

    def __init__(self, name: str, *, is_short: bool) -> None:
        self.name = name
        self._is_short = is_short

    def frame(self, room: str, message: Message) -> bytes:
        shown = room.removeprefix(INSTRUMENTS) if self._is_short else room
        return text_frame(frames.update(shown, message))

    def join_frames(self, frames: list[bytes]) -> bytes:
        return b"".join(frames)


SHORT = BackboneWire("backbone", is_short=True)
FULL = BackboneWire("backbone-full", is_short=False)
