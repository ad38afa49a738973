"""Public reads out of memory, before Django and its middleware, with the same answers.

The first answer of its kind comes from Django; its header fields are remembered, and what differs
from answer to answer is filled in. So what the middleware does to an answer is done to these too,
and a field that nobody here knows keeps the answer with Django.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import resolve
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from veza.kit.api.buckets import Buckets
from veza.kit.api.etags import is_named
from veza.kit.api.request_ids import RequestIds
from veza.kit.api.requests import address_group, is_trusted, resolve_client
from veza.kit.asgi.hot import Answering, Fields, Peer, read_fields
from veza.kit.asgi.refusals import Headers, Message, Receive, Scope, Send
from veza.kit.metrics import HOT_READS, HTTP_REQUESTS

OK, NOT_MODIFIED = 200, 304
MOST_TEMPLATES = 2048
COUNT_EVERY_S = 1.0
ETAG, LENGTH, EACH = b"\0etag", b"\0length", b"\0each"
"""Places in an answer; no field has a NUL."""
_FILLED = {
    b"content-length": LENGTH, b"etag": ETAG, b"x-ratelimit-remaining": EACH,
    b"x-ratelimit-reset": EACH, b"x-request-id": EACH,
}  # fmt: skip
_EACH = [b"x-ratelimit-remaining", b"x-ratelimit-reset", b"x-request-id"]
"""These are filled in for each answer, in this order."""
_SAME = frozenset(
    {b"access-control-allow-origin", b"access-control-expose-headers", b"allow", b"cache-control"}
    | {b"content-security-policy", b"content-type", b"cross-origin-opener-policy"}
    | {b"cross-origin-resource-policy", b"permissions-policy", b"referrer-policy"}
    | {b"strict-transport-security", b"vary", b"x-content-type-options", b"x-frame-options"}
    | {b"x-ratelimit-limit"}
)
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Body(NamedTuple):
    """What is answered with 200; `etag` is "" where the view gives none."""

    content: bytes
    etag: str = ""


class Known(NamedTuple):
    """An address whose answers may be held: its route for the metrics, and what finds the body.
    `base` is the beginning of links: `https://host`.
    """

    route: str
    find: Callable[[str], Body | None]
    warm: Callable[[], None]


class Source(Protocol):
    """What holds the bodies."""

    def known(self, path: str, query: str) -> Known | None:
        """Of an address as it was written, `path` without percent signs; None: not held."""
        ...


TemplateKey = tuple[str, int, bytes, bytes, str]
"""Route, status, host, origin and scheme."""


class _Prepared(NamedTuple):
    """An answer in pieces, between which goes what differs each time. `counted` has one item."""

    status_line: bytes
    pieces: list[bytes]
    counted: list[int]


class _Plan:
    """How one request is answered each time that it comes; what can be made before is kept."""

    __slots__ = (
        "_base", "_beginning", "_body", "_caller", "_defaults", "_fields", "_keys", "_known",
        "_prepared", "_reads", "_reset", "_reset_text",
    )  # fmt: skip

    def __init__(self, reads: "HotReads", known: Known, fields: Fields, peer: Peer) -> None:
        scheme, self._caller = _asked(peer, fields.proto, fields.forwarded_for)
        self._reads, self._known, self._fields = reads, known, fields
        self._base = _base(scheme, fields.host)
        self._keys: dict[int, TemplateKey] = {
            status: (known.route, status, fields.host, fields.origin, scheme)
            for status in (OK, NOT_MODIFIED)
        }
        self._body: Body | None = None
        self._prepared: _Prepared | None = None
        self._defaults: bytes | None = None
        self._beginning = b""
        self._reset, self._reset_text = 0, b""

    def answer(self, defaults: bytes) -> bytes | None:
        """See Answering."""
        body = self._known.find(self._base)
        if body is None:
            return None
        if body is not self._body or self._prepared is None:
            self._body, self._prepared = body, self._prepare(body)
            self._defaults = None
        prepared = self._prepared
        if prepared is None or (left := self._reads.take(self._caller)) is None:
            return None
        _, (first, second, third, rest), counted = prepared
        counted[0] += 1
        if defaults is not self._defaults:  # the same for a second
            self._defaults = defaults
            self._beginning = prepared.status_line + defaults + first
        remaining, reset = left
        if reset != self._reset:
            self._reset, self._reset_text = reset, b"%d" % reset
        named = self._fields.request_id or self._reads.ids.next()
        return b"".join(
            (self._beginning, b"%d" % remaining, second, self._reset_text, third, named, rest)
        )

    def _prepare(self, body: Body) -> _Prepared | None:
        asked = self._fields.if_none_match
        is_known = asked and is_named(body.etag, asked.decode("latin-1"))
        status = NOT_MODIFIED if is_known else OK
        template = self._reads.template(self._keys[status])
        if template is None:
            return None
        head = template.replace(ETAG, body.etag.encode())
        head = head.replace(LENGTH, b"%d" % len(body.content))
        *pieces, rest = head.split(EACH)
        whole = rest if is_known else rest + body.content
        count = self._reads.counter(self._known.route, status)
        return _Prepared(STATUS_LINE[status], [*pieces, whole], count)


class HotReads:
    """A Reader (veza.kit.asgi.hot), and the application in front of Django that it learns from."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buckets = Buckets()
        self._templates: dict[TemplateKey, bytes] = {}
        self._targets: dict[bytes, Known | None] = {}
        self._counts: dict[tuple[str, int], list[int]] = {}
        self.ids = RequestIds()

    def plan(self, target: bytes, fields: Fields, peer: Peer) -> Answering | None:
        known = self._known(target)
        return _Plan(self, known, fields, peer).answer if known else None

    def template(self, key: TemplateKey) -> bytes | None:
        """The fields of such an answer, with places for what changes, if they were learned."""
        return self._templates.get(key)

    def take(self, caller: str) -> tuple[int, int] | None:
        """See Buckets.take."""
        return self._buckets.take(caller)

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Have `app` answer, and remember how."""
        told = _read(scope)
        known = self._known(told[0]) if told else None
        if told is None or known is None:
            await app(scope, receive, send)
            return
        fields, peer = told[1:]

        async def listen(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._learn(known, fields, peer, message)
            await send(message)

        await app(scope, receive, listen)

    def _known(self, target: bytes) -> Known | None:
        if target in self._targets:
            return self._targets[target]
        path, _, query = target.decode("latin-1").partition("?")
        known = None if "%" in path else self._source.known(path, query)
        if len(self._targets) >= MOST_TEMPLATES:
            self._targets.clear()
        self._targets[target] = known
        return known

    def _learn(self, known: Known, fields: Fields, peer: Peer, message: Message) -> None:
        status, headers = message["status"], message["headers"]
        if status not in (OK, NOT_MODIFIED):
            return
        scheme, caller = _asked(peer, fields.proto, fields.forwarded_for)
        template = _template(headers)
        if template is None:
            return
        if len(self._templates) >= MOST_TEMPLATES:
            self._templates.clear()
        self._templates[known.route, status, fields.host, fields.origin, scheme] = template
        remaining = dict(headers).get(b"x-ratelimit-remaining", b"")
        if remaining.isdigit():
            self._buckets.learn(caller, remaining=int(remaining))
        known.warm()

    def counter(self, route: str, status: int) -> list[int]:
        """Whose one item counts answers; the metrics are told of it from time to time."""
        if not self._counts:
            asyncio.get_running_loop().call_later(COUNT_EVERY_S, self._tell)
        return self._counts.setdefault((route, status), [0])

    def _tell(self) -> None:
        for (route, status), count in self._counts.items():
            if count[0]:
                HTTP_REQUESTS.labels("GET", route, str(status)).inc(count[0])
                HOT_READS.labels(route).inc(count[0])
                count[0] = 0
        asyncio.get_running_loop().call_later(COUNT_EVERY_S, self._tell)


def route_of(path: str) -> str:
    """The template of the address, as the metrics call it."""
    return f"/{resolve(path).route}"


def _template(headers: Headers) -> bytes | None:
    """The fields of an answer with places for what changes; None if one is not known."""
    lines = []
    if [name for name, _ in headers if name in _EACH] != _EACH:
        return None
    for name, value in headers:
        if name not in _SAME and name not in _FILLED:
            return None
        lines.append(name + b": " + _FILLED.get(name, value) + b"\r\n")
    return b"".join(lines) + b"\r\n"


def _read(scope: Scope) -> tuple[bytes, Fields, Peer] | None:
    """The request, if it is one that could be answered from memory."""
    if scope["method"] != "GET" or scope["http_version"] != "1.1":
        return None
    fields = read_fields(b"".join(b"%b: %b\r\n" % each for each in scope["headers"]))
    if fields is None:
        return None
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    return target, fields, Peer((scope.get("client") or ("",))[0], scope["scheme"])


@lru_cache(maxsize=4096)
def _asked(peer: Peer, proto: bytes, forwarded_for: bytes) -> tuple[str, str]:
    """By which scheme, and by whom; proxies are believed as RequestContextMiddleware does."""
    proxies = settings.TRUSTED_PROXIES
    address, scheme = peer
    if is_trusted(address, proxies=proxies):
        claim = forwarded_for.decode("latin-1")
        address = resolve_client(peer=address, forwarded_for=claim, proxies=proxies)
        if proto:
            scheme = "https" if proto.split(b",")[0].strip() == b"https" else "http"
    return scheme, f"address:{address_group(address)}"


@lru_cache(maxsize=4096)
def _base(scheme: str, host: bytes) -> str:
    """As veza.kit.api.requests.absolute_url has it."""
    if settings.LINK_BASE:
        base = urlsplit(settings.LINK_BASE)
        return f"{base.scheme}://{base.netloc}"
    return f"{scheme}://{host.decode()}"
