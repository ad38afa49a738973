"""Cursors: where a page ended, sealed so that only we can have written it."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

from veza.kit.errors import InvalidError

MAX_LENGTH = 4096
_SEAL_BYTES = 12
_SALT = "veza.kit.cursor.1"
_READERS: dict[str, Any] = {
    "n": lambda _: None,
    "s": str,
    "b": bool,
    "i": int,
    "f": float,
    "c": Decimal,
    "u": UUID,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
}
_TAGS: list[tuple[type, str]] = [
    (str, "s"),
    (bool, "b"),  # before int, of which it is one
    (int, "i"),
    (float, "f"),
    (Decimal, "c"),
    (UUID, "u"),
    (datetime, "t"),  # before date, of which it is one
    (date, "d"),
]


class CursorInvalidError(InvalidError):
    code = "cursor_invalid"
    message = "This cursor is not one of this list; begin again without a cursor."


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The row at the edge of a page: its sort value and id, in one ordering of one list."""

    list_name: str
    is_backward: bool
    value: Any
    row_id: Any


def encode_cursor(cursor: Cursor) -> str:
    """Printable and safe in a URL."""
    parts = [cursor.list_name, int(cursor.is_backward), *_pack(cursor.value), *_pack(cursor.row_id)]
    body = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(body) + body).decode().rstrip("=")


def decode_cursor(text: str, *, list_name: str) -> Cursor:
    """Raises CursorInvalidError for anything that `encode_cursor` did not make for this list."""
    body = _unseal(text)
    name, is_backward, tag, value, id_tag, row_id = json.loads(body)
    if name != list_name:
        raise CursorInvalidError
    return Cursor(
        list_name=name,
        is_backward=bool(is_backward),
        value=_READERS[tag](value),
        row_id=_READERS[id_tag](row_id),
    )


def _unseal(text: str) -> bytes:
    if not text or len(text) > MAX_LENGTH or not text.isascii():
        raise CursorInvalidError
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise CursorInvalidError from None
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if not constant_time_compare(seal, _seal(body)):
        raise CursorInvalidError
    return body


def _seal(body: bytes) -> bytes:
    return salted_hmac(_SALT, body, algorithm="sha256").digest()[:_SEAL_BYTES]


def _pack(value: Any) -> tuple[str, Any]:
    if value is None:
        return "n", None
    tag = next((tag for kind, tag in _TAGS if isinstance(value, kind)), None)
    if tag is None:
        raise TypeError(f"Lists cannot be ordered by a {type(value).__name__}.")
    if tag in "sbi":
        return tag, value
    if tag in "td":
        return tag, value.isoformat()
    return tag, repr(value) if tag == "f" else str(value)
