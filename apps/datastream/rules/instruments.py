"""Which price updates are taken, and under which names their last values are kept."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from apps.realtime.domains import InvalidFieldError

INSTRUMENT = r"[A-Za-z0-9_./-]{1,64}"
PRICE_UPDATE = "price_update"
ROOM_PREFIX = "instrument:"
KEY_PREFIX = "last_price:"

Number = int | float
_NAME = re.compile(INSTRUMENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What an instrument cost at a time; `ts` is in seconds or milliseconds, as it was sent."""

    instrument: str
    price: Number
    ts: Number


def is_instrument(name: str) -> bool:
    """Whether an instrument can have this name."""
    return _NAME.fullmatch(name) is not None


def price_from(members: Mapping[str, Any]) -> Price:
    """The price that a message tells. Raises InvalidFieldError."""
    instrument, price, ts = members.get("instrument"), members.get("price"), members.get("ts")
    if not isinstance(instrument, str) or not _NAME.fullmatch(instrument):
        raise InvalidFieldError("instrument: 1 to 64 of A-Z a-z 0-9 _ . / -")
    if not _is_number(price) or price <= 0:
        raise InvalidFieldError("price: a finite number above 0")
    if not _is_number(ts) or ts < 0:
        raise InvalidFieldError("ts: a time in seconds or milliseconds")
    return Price(instrument=instrument, price=price, ts=ts)


def _is_number(value: Any) -> TypeGuard[Number]:
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is not int:  # a bool is an int to isinstance
        return False
    try:
        float(value)
    except OverflowError:  # JSON has no largest integer
        return False
    return True
