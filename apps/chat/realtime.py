"""Open rooms, and the domain `chat`: what their members say (nothing of it is kept), and
who holds a chat token.
"""

from typing import Any

from django.utils import timezone

from apps.chat.rules import MAX_TEXT, MESSAGE, OPEN_ROOM, text_from
from apps.chat.selectors import viewer_of
from apps.chat.services import read_token
from apps.realtime import services as realtime
from apps.realtime.domains import MessageType, Role, Sender, register, show_as
from apps.realtime.feeds import Feed, feed
from apps.realtime.types import Message, Viewer


def say(text: str, sender: Sender) -> None:
    """Tell it to everyone in the room, the sender too."""
    realtime.broadcast(sender.room, MESSAGE, {"text": text, "from": sender.viewer.username})


def authenticate(token: str) -> Viewer:
    """The viewer of a chat token, which is good for chat rooms alone. Raises TokenInvalidError."""
    return viewer_of(read_token(token), now=timezone.now())


def _is_signed_in(viewer: Viewer, **parts: str) -> bool:
    return not viewer.is_anonymous


def _shown(message: Message) -> dict[str, Any]:
    return {"data": message.data["text"], "from": message.data["from"]}


realtime.room(
    "chat:{name}",
    may_join=_is_signed_in,
    may_publish=_is_signed_in,
    has_presence=True,
    keeps="nothing",
    part=OPEN_ROOM,
    about="An open room without memory, for whoever is signed in.",
)
feed(
    Feed(
        type=MESSAGE,
        about="Somebody in the room says something.",
        rooms=("chat:{name}",),
        properties={
            "text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            "from": {"type": "string", "description": "The user name."},
        },
        example={"text": "hello", "from": "lina"},
    )
)
register(
    MessageType(
        domain="chat",
        name=MESSAGE,
        sent_by=Role.CONSUMER,
        validate=text_from,
        handle=say,
        is_to_room=True,
    )
)
show_as(MESSAGE, _shown)
