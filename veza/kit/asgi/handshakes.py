"""WebSocket handshakes that fail are answered as every request that fails: by problem documents."""

from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from veza.kit.asgi.refusals import RefusalError, internal_error, request_id_of

_CODES = {
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
}


class Handshakes(ServerProtocol):
    """The server's side of one connection. What it cannot accept it refuses with a document."""

    asked: Request
    """Until it is answered."""

    def accept(self, request: Request) -> Response:
        self.asked = request
        return super().accept(request)

    def reject(self, status: Any, text: str) -> Response:
        """Called by `accept`, and by the server when the application fails or hangs up."""
        status = HTTPStatus(status)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            return refused(self.asked, internal_error())
        detail = text.strip() or status.phrase
        code = _CODES.get(status, "bad_request")
        return refused(
            self.asked, RefusalError(status=status, code=code, detail=detail, closes=True)
        )


def refused(request: Request, refusal: RefusalError) -> Response:
    """The answer to a handshake that leads nowhere."""
    fields = [(name.encode(), value.encode()) for name, value in request.headers.raw_items()]
    request_id = request_id_of(fields)
    body = refusal.body(path=request.path.partition("?")[0], request_id=request_id)
    headers = Headers(
        (name.decode(), value.decode())
        for name, value in refusal.headers(body=body, request_id=request_id)
    )
    return Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, body)
