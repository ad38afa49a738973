"""Reads that are answered out of memory before the HTTP parser has seen them.

A list says what may stand in a request that is answered here; everything else, and whatever is not
written exactly so, goes to the parser as it came. So a request can mean one thing only.
"""

import re
from typing import NamedTuple, Protocol

PREFIX = b"GET /api/v1/"
END = b"\r\n\r\n"
MAX_HEAD_BYTES = 8 * 1024
MAX_FIELDS = 50
MOST_KNOWN = 2048

_VERSION = b" HTTP/1.1"
_TARGET = re.compile(rb"/[\x21-\x7e]*")
_FIELD = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ \t]*")
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")
_ACCEPTED = re.compile(rb"(?:\*/\*|application/\*)(?:; ?q=[01](?:\.[0-9]{1,3})?)?|application/json")
_OTHER_TYPE = re.compile(rb"[a-z0-9*+.-]+/[a-z0-9*+.-]+(?:; ?(?:q=[01](?:\.[0-9]{1,3})?|v=b3))*")
_MEANS_NOTHING = frozenset(
    {b"accept-language", b"accept-encoding", b"cache-control", b"dnt", b"pragma", b"priority"}
    | {b"referer", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"sec-fetch-dest"}
    | {b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-user", b"sec-gpc", b"user-agent"}
    | {b"x-real-ip", b"x-forwarded-host", b"x-forwarded-port", b"upgrade-insecure-requests"}
)
"""These change no answer of ours, so it does not matter what they say."""


class Fields(NamedTuple):
    """What an answer may depend on, b"" where the request says nothing of it."""

    host: bytes
    origin: bytes = b""
    proto: bytes = b""
    forwarded_for: bytes = b""
    request_id: bytes = b""
    if_none_match: bytes = b""


class Peer(NamedTuple):
    """Who is at the other end of the connection."""

    address: str
    scheme: str


class Reader(Protocol):
    """What has the answers."""

    def answer(self, target: bytes, fields: Fields, peer: Peer, defaults: bytes) -> bytes | None:
        """The whole answer, with the server's own header lines `defaults`; None: ask elsewhere.

        Never waits and never fails.
        """
        ...


class HotPath:
    """One for each process. Remembers what it has read: clients send the same head again."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[bytes, Fields | None] = {}
        self._defaults: object = None
        self._default_lines = b""

    def answer(self, head: bytes, peer: Peer, defaults: list[tuple[bytes, bytes]]) -> bytes | None:
        """The answer to a request without a body; `head` is all of it but the empty line."""
        line_end = head.find(b"\r\n") if len(head) <= MAX_HEAD_BYTES else -1
        if line_end < 0 or not head.startswith(_VERSION, line_end - len(_VERSION)):
            return None
        target = head[4 : line_end - len(_VERSION)]
        fields = self._fields(head[line_end + 2 :])
        if fields is None or not _TARGET.fullmatch(target):
            return None
        if defaults is not self._defaults:  # the server makes a new list when the second changes
            self._defaults = defaults
            self._default_lines = b"".join(b"%b: %b\r\n" % each for each in defaults)
        return self._reader.answer(target, fields, peer, self._default_lines)

    def _fields(self, lines: bytes) -> Fields | None:
        if lines in self._known:
            return self._known[lines]
        fields = read_fields(lines)
        if fields is None or not (fields.request_id or fields.if_none_match):
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[lines] = fields
        return fields


def read_fields(lines: bytes) -> Fields | None:
    """The fields of a head, each ended by CR LF; None where anything is not as it is expected."""
    found: dict[bytes, bytes] = {}
    parts = lines.split(b"\r\n")
    if parts.pop() or len(parts) > MAX_FIELDS:
        return None
    for part in parts:
        match = _FIELD.fullmatch(part)
        if match is None:
            return None
        name = match[1].lower()
        if name in found:
            return None
        found[name] = match[2]
    return _as_fields(found)


def _as_fields(found: dict[bytes, bytes]) -> Fields | None:
    host = found.pop(b"host", b"")
    if not _HOST.fullmatch(host) or not _is_json_accepted(found.pop(b"accept", b"*/*")):
        return None
    if found.pop(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    fields = Fields(
        host=host,
        origin=found.pop(b"origin", b""),
        proto=found.pop(b"x-forwarded-proto", b""),
        forwarded_for=found.pop(b"x-forwarded-for", b""),
        request_id=found.pop(b"x-request-id", b""),
        if_none_match=found.pop(b"if-none-match", b""),
    )
    return fields if found.keys() <= _MEANS_NOTHING else None


def _is_json_accepted(accept: bytes) -> bool:
    items = [item.strip(b" \t") for item in accept.split(b",")]
    return any(map(_ACCEPTED.fullmatch, items)) and all(
        item == b"application/json"
        or (_OTHER_TYPE.fullmatch(item) and not item.startswith(b"application/json"))
        for item in items
    )


_path: HotPath | None = None


def answer_with(reader: Reader | None) -> None:
    """Have the connections of this process answered by `reader`, as far as it can."""
    global _path  # noqa: PLW0603 - one per process is what it is
    _path = HotPath(reader) if reader else None


def hot_path() -> HotPath | None:
    """That of this process, if there is one."""
    return _path
