"""Answers of the tus protocol; failures are problem documents with its statuses."""

from collections.abc import Mapping
from email.utils import format_datetime
from time import perf_counter

from django.conf import settings

from apps.track.api.views.tus_requests import PATH, VERSION
from apps.track.models import Upload
from apps.track.rules.uploads import CHECKSUMS
from apps.track.types.uploads import UploadState
from veza.kit.api.failures import Failure, read_failure
from veza.kit.api.idempotency import REPLAYED
from veza.kit.api.native import BUG, PREFLIGHT_AGE_S, cors, encoded
from veza.kit.asgi.refusals import CLOSE, Headers, RefusalError, Scope, Send
from veza.kit.metrics import HTTP_REQUEST_DURATION, HTTP_REQUESTS
from veza.kit.problems import PROBLEM_JSON, problem_bytes

EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
METHODS = ("DELETE", "HEAD", "OPTIONS", "PATCH", "POST")
_ALWAYS: Headers = [
    (b"tus-resumable", VERSION.encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Authorization, Origin"),
]


class Answer:
    """What one request is answered. `limits` are the headers of its rate limit, once known."""

    def __init__(self, *, scope: Scope, send: Send, request_id: str) -> None:
        self._scope = scope
        self._send = send
        self._request_id = request_id
        self._started = perf_counter()
        self.limits: Mapping[str, str] = {}

    async def created(self, row: Upload, *, is_replay: bool) -> None:
        """201, with the address; of a `is_replay`, as far as the upload is by now."""
        address = f"{settings.LINK_BASE}{PATH}/{row.id}"
        replayed = {REPLAYED: "true"} if is_replay else {}
        await self._finish(201, {"Location": address} | _progress(row) | replayed)

    async def stored(self, row: Upload) -> None:
        """204: up to this offset."""
        await self._finish(204, _progress(row))

    async def described(self, row: Upload) -> None:
        """200, for HEAD."""
        headers = _progress(row) | {"Upload-Length": str(row.size_bytes)}
        if row.metadata:
            headers["Upload-Metadata"] = row.metadata
        await self._finish(200, headers)

    async def deleted(self) -> None:
        """204."""
        await self._finish(204, {})

    async def options(self, *, methods: str) -> None:
        """What is offered here, and what a page of an allowed origin may send (Fetch, CORS)."""
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
            "Allow": methods,
        }
        if cors(self._scope["headers"]):
            headers |= {
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers": ", ".join(settings.CORS_ALLOW_HEADERS),
                "Access-Control-Max-Age": str(PREFLIGHT_AGE_S),
            }
        await self._finish(204, headers)

    async def refuse(self, exc: Exception) -> None:
        """A problem document. Raises `exc` again, after the answer, if it is a bug of ours."""
        if isinstance(exc, RefusalError):
            await self.problem(_failure_of(exc), closes=exc.closes)
            return
        failure = read_failure(exc)
        await self.problem(failure or BUG)
        if failure is None:
            raise exc

    async def problem(self, failure: Failure, *, closes: bool = False) -> None:
        """The whole answer, as Django's side would give it."""
        body = problem_bytes(
            status=failure.status,
            code=failure.code,
            detail=failure.detail,
            instance=self._scope["path"],
            request_id=self._request_id,
            fields=failure.fields,
        )
        headers = {"Content-Type": PROBLEM_JSON, **failure.headers}
        if failure.status == 412:  # noqa: PLR2004 - the version was not ours
            headers["Tus-Version"] = VERSION
        await self._finish(failure.status, headers, body=body, closes=closes)

    async def _finish(
        self, status: int, headers: Mapping[str, str], *, body: bytes = b"", closes: bool = False
    ) -> None:
        fields = [
            *encoded(headers),
            *_ALWAYS,
            (b"x-request-id", self._request_id.encode()),
            *encoded(self.limits),
            *cors(self._scope["headers"]),
            *([CLOSE] if closes else []),
        ]
        if status != 204:  # noqa: PLR2004 - has no content, and so no length of it
            fields.append((b"content-length", b"%d" % len(body)))
        self._count(status)
        await self._send({"type": "http.response.start", "status": status, "headers": fields})
        is_head = self._scope["method"] == "HEAD"
        await self._send({"type": "http.response.body", "body": b"" if is_head else body})

    def _count(self, status: int) -> None:
        method = self._scope["method"]
        route = PATH if self._scope["path"].rstrip("/") == PATH else f"{PATH}/<upload_id>"
        labels = (method if method in (*METHODS, "GET", "PUT") else "OTHER", route, str(status))
        HTTP_REQUESTS.labels(*labels).inc()
        HTTP_REQUEST_DURATION.labels(*labels).observe(perf_counter() - self._started)


def _progress(row: Upload) -> dict[str, str]:
    headers = {"Upload-Offset": str(row.offset_bytes)}
    if row.state != UploadState.USED:
        headers["Upload-Expires"] = format_datetime(row.expires_at, usegmt=True)
    return headers


def _failure_of(refusal: RefusalError) -> Failure:
    headers = {} if refusal.retry_after_s is None else {"Retry-After": str(refusal.retry_after_s)}
    return Failure(status=refusal.status, code=refusal.code, detail=refusal.detail, headers=headers)
