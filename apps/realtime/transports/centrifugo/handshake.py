"""Before the socket opens: who may have one, and in which encoding it speaks."""

from urllib.parse import parse_qs

from apps.realtime import origins
from apps.realtime.node import Node
from apps.realtime.transports.centrifugo.wire import JSON_WIRE, PROTOBUF_WIRE, CentrifugoWire
from apps.realtime.transports.sse import admission
from veza.kit.asgi.refusals import RefusalError, Scope, Send, request_id_of, stopping


async def check_admission(scope: Scope, node: Node) -> None:
    """Raises RefusalError: foreign origin, rate limit, server that stops."""
    if node.is_draining:
        raise stopping()
    if not origins.is_allowed(scope["headers"]):
        raise RefusalError(
            status=403, code="origin_not_allowed", detail="Pages of this origin may not connect."
        )
    decision = await admission.spend(scope)
    if not decision.is_allowed:
        raise RefusalError(
            status=429, code="rate_limited", detail="Too many requests.",
            retry_after_s=decision.retry_after_s,
        )  # fmt: skip


async def refuse(refusal: RefusalError, *, scope: Scope, send: Send) -> None:
    """A problem document, or a refused handshake where the server cannot send one."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4000 + refusal.status})
        return
    request_id = request_id_of(scope["headers"])
    body = refusal.body(path=scope["path"], request_id=request_id)
    headers = refusal.headers(body=body, request_id=request_id)
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})


def chosen_wire(scope: Scope) -> tuple[CentrifugoWire, str | None]:
    """The encoding, and the subprotocol to confirm: only one that the client has offered."""
    offered = scope.get("subprotocols") or ()
    for wire in (PROTOBUF_WIRE, JSON_WIRE):
        if wire.subprotocol in offered:
            return wire, wire.subprotocol
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if "protobuf" in query.get("format", []) + query.get("cf_protocol", []):
        return PROTOBUF_WIRE, None
    return JSON_WIRE, None
