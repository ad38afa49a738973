"""Reads that are answered out of memory before the HTTP parser has seen them.

A list says what may stand in a request that is answered here; everything else, and whatever is not
written exactly so, goes to the parser as it came. So a request can mean one thing only.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

PREFIX = b"GET /api/v1/"
END = b"\r\n\r\n"
MAX_HEAD_BYTES = 8 * 1024
MAX_FIELDS = 50
MOST_KNOWN = 2048
MAX_ID_BYTES = 64
"""Of a request's own id; a longer one is replaced."""

_LINE = re.compile(rb"GET (/[\x21-\x7e]*) HTTP/1\.1")
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


Answering = Callable[[bytes], bytes | None]
"""The whole answer, given the server's own header lines; None: ask elsewhere. Never waits."""


class Reader(Protocol):
    """What has the answers."""

    def plan(self, target: bytes, fields: Fields, peer: Peer) -> Answering | None:
        """How such a request is answered, now and again; None: never by this. Never fails."""
        ...


class HotPath:
    """One for each process. Remembers what it has read: clients send the same head again."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._plans: dict[tuple[bytes, Peer], Answering | None] = {}
        self._defaults: object = None
        self._default_lines = b""

    def find(self, head: bytes, peer: Peer) -> Answering | None:
        """What answers a request without a body; `head` is all of it but the empty line."""
        key = (head, peer)
        return self._plans[key] if key in self._plans else self._plan(head, peer)

    def lines(self, defaults: list[tuple[bytes, bytes]]) -> bytes:
        """The server's own header lines; the same object as long as they are the same."""
        if defaults is not self._defaults:  # the server makes a new list when the second changes
            self._defaults = defaults
            self._default_lines = b"".join(b"%b: %b\r\n" % each for each in defaults)
        return self._default_lines

    def _plan(self, head: bytes, peer: Peer) -> Answering | None:
        if len(head) > MAX_HEAD_BYTES:
            return None
        answering = fields = None
        line, _, lines = head.partition(b"\r\n")
        match = _LINE.fullmatch(line)
        if match is not None:
            fields = read_fields(lines)
        if match is not None and fields is not None:
            answering = self._reader.plan(match[1], fields, peer)
        if fields is None or not fields.request_id:  # which is another one each time
            if len(self._plans) >= MOST_KNOWN:
                self._plans.clear()
            self._plans[head, peer] = answering
        return answering


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
    request_id = found.pop(b"x-request-id", b"")
    fields = Fields(
        host=host,
        origin=found.pop(b"origin", b""),
        proto=found.pop(b"x-forwarded-proto", b""),
        forwarded_for=found.pop(b"x-forwarded-for", b""),
        request_id=request_id if len(request_id) <= MAX_ID_BYTES else b"",
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
