"""Bodies under a WSGI server that does not collect them first."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from veza.kit.asgi.bridge import MAX_BODY_BYTES, NO_PATHS
from veza.kit.asgi.exchange import Environ, WSGIApp
from veza.kit.asgi.refusals import RefusalError, request_id_of


class LengthRequired:
    """The outermost WSGI middleware: a body says how long it is, and is not too long.

    Django reads a body without Content-Length as empty, which would be a silent loss.
    """

    def __init__(self, app: WSGIApp, *, larger_bodies: Mapping[str, int] = NO_PATHS) -> None:
        self._app = app
        self._larger = larger_bodies

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").rstrip("/")
        refusal = _refusal(environ, limit=self._larger.get(path, MAX_BODY_BYTES))
        if refusal is None:
            return self._app(environ, start_response)
        given = environ.get("HTTP_X_REQUEST_ID", "").encode("latin-1")
        request_id = request_id_of([(b"x-request-id", given)])
        body = refusal.body(path=environ.get("PATH_INFO", ""), request_id=request_id)
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in refusal.headers(body=body, request_id=request_id)
            if name != b"connection"  # the server's own affair under WSGI
        ]
        start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _refusal(environ: Environ, *, limit: int) -> RefusalError | None:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length and environ.get("HTTP_TRANSFER_ENCODING"):
        return RefusalError(
            status=411,
            code="length_required",
            detail="Send the body with a Content-Length, not in chunks.",
        )
    if length.isdigit() and int(length[:20]) > limit:
        return RefusalError(
            status=413, code="body_too_large", detail="The body is larger than this server takes."
        )
    return None
