"""JSON as it is taken: what two readers could understand differently is refused (RFC 7493)."""

import json
import math
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import IO, Any

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from veza.kit.errors import TooLargeError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_DIGITS = 20
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_RISKY_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON of at most 1 MiB and 64 levels.

    Refuses duplicate keys, NaN and Infinity (also 1e400), integers of more than 20 digits, NUL
    and lone surrogates in strings. A byte order mark is skipped.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _check_charset(media_type or "")
        raw = _read(stream, parser_context or {})
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        return read_json(text)


def read_json(text: str) -> Any:
    """The value, by the rules of StrictJSONParser. Raises ParseError."""
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except json.JSONDecodeError as fault:
        raise ParseError(f"The body is not JSON: {fault}.") from None
    if _RISKY_ESCAPE.search(text):
        _check_strings(value)
    return value


def _read(stream: IO[Any], context: Mapping[str, Any]) -> bytes:
    request = context.get("request")
    declared = request.META.get("CONTENT_LENGTH") if request is not None else None
    if declared and int(declared) > MAX_BYTES:
        raise TooLargeError
    raw: bytes = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise TooLargeError
    return raw


def _check_charset(media_type: str) -> None:
    charset = re.search(r';\s*charset="?([^";\s]*)', media_type, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, detail="JSON is UTF-8; leave the charset out.")


def _check_depth(text: str) -> None:
    """Judged before anything is built, so that depth costs neither stack nor memory."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub("", text).encode().translate(None, delete=_NO_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ParseError("A key stands twice in one object.")
    return value


def _refuse_constant(name: str) -> None:
    raise ParseError(f"{name} is not JSON.")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ParseError("A number is too large.")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ParseError(f"An integer has more than {MAX_DIGITS} digits.")
    return int(text)


def _check_strings(value: Any) -> None:
    """Neither NUL nor half of a surrogate pair can be stored or sent as UTF-8."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending += [*node.keys(), *node.values()]
        elif isinstance(node, list):
            pending += node
        elif isinstance(node, str) and ("\x00" in node or not _is_text(node)):
            raise ParseError("A string holds a NUL character or half of a surrogate pair.")


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
