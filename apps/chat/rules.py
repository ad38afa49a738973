"""Which rooms are open, and which texts are taken."""

from collections.abc import Mapping
from typing import Any

from apps.realtime.domains import InvalidFieldError

MAX_TEXT = 2000
MESSAGE = "message"

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OPEN_ROOM = rf"(?!{_UUID}\Z)[a-z0-9-]{{1,64}}"
"""The form of an open room's name. Names that are ids belong to rooms with rules of their own."""


def text_from(members: Mapping[str, Any]) -> str:
    """What a message says, as it was sent. Raises InvalidFieldError."""
    text = members.get("data")
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_TEXT:
        raise InvalidFieldError(f"data: a text of 1 to {MAX_TEXT} characters")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidFieldError("data: half a surrogate pair is no character")
    return text
