"""Reading the last prices, which live in the store of room state and nowhere else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.datastream.errors import PriceNotFoundError
from apps.datastream.rules.instruments import KEY_PREFIX, is_instrument
from veza.integrations.room_state import room_state

MAX_INSTRUMENTS = 10_000

Price = Mapping[str, Any]
"""`instrument`, `price` and `ts`, as they came in."""


def list_prices() -> list[Price]:
    """The live prices, by the names of the instruments; the first MAX_INSTRUMENTS.

    Raises RoomStateUnavailableError.
    """
    found = room_state().list_values(KEY_PREFIX, limit=MAX_INSTRUMENTS)
    return [json.loads(value) for value in found.values()]


def get_prices(names: Sequence[str]) -> dict[str, Price]:
    """The live ones of these instruments. Raises RoomStateUnavailableError."""
    found = room_state().get_values([KEY_PREFIX + name for name in names])
    return {key.removeprefix(KEY_PREFIX): json.loads(value) for key, value in found.items()}


def get_price(instrument: str) -> Price:
    """Raises PriceNotFoundError and RoomStateUnavailableError."""
    if not is_instrument(instrument):
        raise PriceNotFoundError
    key = KEY_PREFIX + instrument
    found = room_state().get_values([key])
    if key not in found:
        raise PriceNotFoundError
    price: Price = json.loads(found[key])
    return price
