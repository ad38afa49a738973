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
from apps.datastream.rules.rounds import (
    ALL_ROOM,
    CORRECTED,
    FINISHED,
    GAME_ROOM,
    REMOVED,
    ROUND,
    ROUND_EXAMPLE,
    TYPE_ROOM,
    WORD,
)
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
from apps.realtime.feeds import Feed, feed
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
    about="Prices of an instrument, the last one first. Everyone may join, also before there are.",
)
feed(
    Feed(
        type=PRICE_UPDATE,
        about="An instrument costs so much.",
        rooms=(ROOM,),
        properties={
            "instrument": {"type": "string"},
            "price": {"type": "number", "exclusiveMinimum": 0},
            "ts": {"type": "number", "description": "Seconds or milliseconds, as it was sent."},
        },
        example={"instrument": "BTC_USDT", "price": 60214.3, "ts": 1710000000},
    )
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
_ROOMS = {
    GAME_ROOM: "Rounds of one game. Everyone may join.",
    TYPE_ROOM: "Rounds of all games of a type. Everyone may join.",
    ALL_ROOM: "Rounds of all games. Everyone may join.",
}
for _pattern, _about in _ROOMS.items():
    realtime.room(_pattern, may_join=realtime.everyone, part=WORD, log=ROUNDS, about=_about)
_NEWS = {
    FINISHED: "A round of a game is over.",
    CORRECTED: "A round reads otherwise than it was told; this replaces it.",
    REMOVED: "A round that was told is no round.",
}
for _type, _about in _NEWS.items():
    feed(
        Feed(
            type=_type,
            about=_about,
            rooms=tuple(_ROOMS),
            properties=ROUND,
            example=ROUND_EXAMPLE,
            is_logged=True,
        )
    )
