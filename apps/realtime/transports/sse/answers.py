"""The heads of answers, and answers that are no stream: problem documents."""

from collections.abc import Mapping

from django.conf import settings

from veza.kit.api.failures import Failure, read_failure
from veza.kit.api.native import BUG, PREFLIGHT_AGE_S, cors, encoded
from veza.kit.asgi.refusals import Headers, Scope, Send, request_id_of
from veza.kit.problems import PROBLEM_JSON, problem_bytes

_METHODS = b"GET, OPTIONS"
NOT_ALLOWED = Failure(
    status=405,
    code="method_not_allowed",
    detail="This address takes GET only.",
    headers={"Allow": _METHODS.decode()},
)
_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Authorization, Origin"),
]


class Answer:
    """What one request is answered. `limits` are the headers of its rate limit, once known."""

    def __init__(self, *, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._request_id = request_id_of(scope["headers"])
        self.limits: Mapping[str, str] = {}

    async def begin(self) -> None:
        """The stream begins. What follows goes through the port."""
        await self._send_head(200, _STREAM)

    async def send_options(self) -> None:
        """What may be sent here, and what a page of an allowed origin may send (Fetch, CORS)."""
        headers: Headers = [(b"allow", _METHODS), (b"content-length", b"0")]
        if cors(self._scope["headers"]):
            headers += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", ", ".join(settings.CORS_ALLOW_HEADERS).encode()),
                (b"access-control-max-age", b"%d" % PREFLIGHT_AGE_S),
            ]
        await self._send_head(200, headers)
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, exc: Exception) -> None:
        """A problem document. Raises `exc` again, after the answer, if it is a bug of ours."""
        failure = read_failure(exc)
        await self.send_problem(failure or BUG)
        if failure is None:
            raise exc

    async def send_problem(self, failure: Failure) -> None:
        """The whole answer, as Django's side would give it."""
        body = problem_bytes(
            status=failure.status,
            code=failure.code,
            detail=failure.detail,
            instance=self._scope["path"],
            request_id=self._request_id,
            fields=failure.fields,
        )
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *encoded(failure.headers),
        ]
        await self._send_head(failure.status, headers)
        is_head = self._scope["method"] == "HEAD"
        await self._send({"type": "http.response.body", "body": b"" if is_head else body})

    async def _send_head(self, status: int, headers: Headers) -> None:
        headers = [
            *headers,
            *_ALWAYS,
            (b"x-request-id", self._request_id.encode()),
            *encoded(self.limits),
            *cors(self._scope["headers"]),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
