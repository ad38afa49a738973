"""The rooms of instruments with the domain `trading`: what ingestors send into them; and the rooms
of games, which are told from the feed of rounds.
"""

from typing import Any

from apps.datastream.rules.instruments import (
    INSTRUMENT,
    KEY_PREFIX,
    PRICE_UPDATE,
    ROOM_PREFIX,
    Price,
    price_from,
)
from apps.datastream.rules.rounds import ALL_ROOM, GAME_ROOM, TYPE_ROOM, WORD
from apps.datastream.selectors.feed import RoundFeed
from apps.datastream.services.instruments import publish_price
from apps.realtime import services as realtime
from apps.realtime.domains import (
    MessageType,
    Role,
    Sender,
    last_value_as,
    register,
    show_as,
)
from apps.realtime.logs import register_log
from apps.realtime.types import Message

ROUNDS = "rounds"
ROOM = ROOM_PREFIX + "{name}"


def _publish(price: Price, sender: Sender) -> None:
    publish_price(price)


def _shown(message: Message) -> dict[str, Any]:
    """As the ingestor sent it: with its type inside."""
    return {"data": {"type": PRICE_UPDATE, **message.data}}


realtime.room(
    ROOM,
    may_join=realtime.everyone,
    keeps="last_value",
    part=INSTRUMENT,
    value_key=KEY_PREFIX + "{name}",
)
last_value_as(ROOM, PRICE_UPDATE)
register(
    MessageType(
        domain="trading",
        name=PRICE_UPDATE,
        sent_by=Role.INGESTOR,
        validate=price_from,
        handle=_publish,
    )
)
show_as(PRICE_UPDATE, _shown)

register_log(ROUNDS, RoundFeed())
for _pattern in (GAME_ROOM, TYPE_ROOM, ALL_ROOM):
    realtime.room(_pattern, may_join=realtime.everyone, part=WORD, log=ROUNDS)
