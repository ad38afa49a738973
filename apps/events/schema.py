"""JSON Schema 2020-12 of the types that a fact's fields may have."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    Decimal: {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
}


def field_schema(of: Any) -> dict[str, Any]:
    """The schema of one field's type. Raises ValueError for a type that is not flat."""
    if of in SCALARS:
        return SCALARS[of]
    if isinstance(of, type) and issubclass(of, Enum):
        return {"enum": [member.value for member in of]}
    arguments = get_args(of)
    match get_origin(of):
        case origin if origin is Literal:
            return {"enum": list(arguments)}
        case origin if origin in (Union, UnionType):
            return {"anyOf": [field_schema(argument) for argument in arguments]}
        case origin if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004
            return {"type": "array", "items": field_schema(arguments[0])}
    raise ValueError(f"a fact carries flat values, and {of} is none.")
