"""From the JSON of a payload back to the values that a fact's fields are declared to hold."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

_READERS: dict[Any, Callable[[Any], Any]] = {
    UUID: UUID,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: Decimal,
    float: float,
}


def decoded(value: Any, *, of: Any) -> Any:
    """The value of type `of` that `json_value` wrote as `value`. Raises ValueError."""
    if of in _READERS:
        return _READERS[of](value)
    if isinstance(of, type) and issubclass(of, Enum):
        return of(value)
    arguments = get_args(of)
    match get_origin(of):
        case origin if origin in (Union, UnionType):
            return _of_union(value, arguments)
        case origin if origin is tuple:
            return tuple(decoded(item, of=arguments[0]) for item in value)
        case origin if origin is Literal and value not in arguments:
            raise ValueError(f"{value!r} is none of {arguments}.")
    return value


def _of_union(value: Any, kinds: tuple[Any, ...]) -> Any:
    if value is None:
        return None
    for kind in kinds:
        try:
            if kind is not NoneType and _fits(found := decoded(value, of=kind), kind):
                return found
        except (ValueError, TypeError, ArithmeticError):
            continue
    raise ValueError(f"{value!r} is none of {kinds}.")


def _fits(value: Any, kind: Any) -> bool:
    return not isinstance(kind, type) or isinstance(value, kind)


def fields_from(
    payload: Mapping[str, Any], *, keys: Mapping[str, str], types: Mapping[str, Any]
) -> dict[str, Any]:
    """The keyword arguments of a fact; `keys` maps fields to payload keys.

    Members that the declaration does not know are left out: a newer writer may add some. So are
    fields that an older writer did not know; the declaration's defaults hold for them.
    """
    return {
        name: decoded(payload[key], of=types[name]) for name, key in keys.items() if key in payload
    }
