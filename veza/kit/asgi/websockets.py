"""WebSocket handshakes that lead nowhere."""

from veza.kit.asgi.refusals import Receive, RefusalError, Scope, Send, request_id_of

NOT_FOUND_CODE = 4404


async def refuse_unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    """404 as a problem document, or a refused handshake where the server cannot send one."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": NOT_FOUND_CODE})
        return
    request_id = request_id_of(scope["headers"])
    refusal = RefusalError(
        status=404, code="not_found", detail="There is no WebSocket at this address."
    )
    body = refusal.body(path=scope["path"], request_id=request_id)
    headers = refusal.headers(body=body, request_id=request_id)
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})
