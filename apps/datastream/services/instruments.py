"""Prices of instruments: kept as the last value, and told to those in the room."""

import random
from collections.abc import Mapping
from datetime import datetime

from apps.datastream.rules.instruments import PRICE_UPDATE, ROOM_PREFIX, Price
from apps.realtime import services as realtime

DEMO_PRICES: Mapping[str, float] = {"BTC_USDT": 60_000.0, "ETH_USDT": 3_000.0, "SOL_USDT": 150.0}
_STEP = 0.001


def publish_price(price: Price) -> None:
    """Keep the price as the instrument's last value, and tell it to those in its room."""
    room = ROOM_PREFIX + price.instrument
    value = {"instrument": price.instrument, "price": price.price, "ts": price.ts}
    realtime.set_last_value(room, value)
    realtime.broadcast(room, PRICE_UPDATE, value)


def move_prices(prices: Mapping[str, float], *, now: datetime) -> dict[str, float]:
    """Publish these prices a small random step on; what they are then."""
    moved = {
        name: round(max(0.01, price * (1 + random.gauss(0, _STEP))), 2)
        for name, price in prices.items()
    }
    for name, price in moved.items():
        publish_price(Price(instrument=name, price=price, ts=int(now.timestamp() * 1000)))
    return moved
