"""What a client asks for: rooms, a place in the log, a form."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from apps.realtime.logs import named_rooms
from veza.kit.errors import FieldError, InvalidError

MAX_FIELDS = 1000
_YES = ("1", "true")
_NO = ("", "0", "false")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """`after` is the id of the last fact that the client has, None if it has none."""

    rooms: tuple[str, ...]
    after: str | None
    is_whole: bool


def read_query(query_string: bytes, headers: Headers) -> Query:
    """Raises InvalidError. The header Last-Event-ID is newer than the address, so it counts first.

    An id of any form is taken: what is wrong with it is said in the stream.
    """
    values = _values(query_string)
    after = _last_event_id(headers) or values.get("last_event_id", [""])[-1]
    return Query(
        rooms=named_rooms(*values.get("rooms", ())),
        after=after or None,
        is_whole=_flag("envelope", values.get("envelope", [""])[-1]),
    )


def _values(query_string: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(
            query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise InvalidError(f"A query has at most {MAX_FIELDS} fields.") from None


def _last_event_id(headers: Headers) -> str:
    found = [value for name, value in headers if name == b"last-event-id"]
    return found[-1].decode("utf-8", "replace") if found else ""


def _flag(field: str, value: str) -> bool:
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise _invalid(field, "Use 1 or leave it out.")


def _invalid(field: str, detail: str) -> InvalidError:
    return InvalidError(detail, fields=[FieldError(field=field, code="invalid", detail=detail)])
